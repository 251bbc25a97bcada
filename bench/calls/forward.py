"""The yardstick: reads every frame, parses it and hands it on, nothing else.

`python -m bench.calls.forward PORT CALLS`; a JSON command a line: {"do": "count"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


class Forwarder:
    """`handed` is what a browser's socket would be given."""

    def __init__(self) -> None:
        self.handed = 0
        self.last_at = 0.0

    async def follow(self, port: int, call: str) -> None:
        async with connect(f"ws://127.0.0.1:{port}/calls", compression=None) as socket:
            await socket.send(json.dumps({"type": "subscribe", "interactionId": call}))
            await socket.recv()
            with contextlib.suppress(ConnectionClosed):
                async for data in socket:
                    self.hand_on(json.loads(data))

    def hand_on(self, chunk: dict[str, Any]) -> None:
        json.dumps({"type": "row", "text": chunk["text"], "confidence": chunk["confidence"]})
        self.handed += 1
        self.last_at = time.monotonic()


async def _serve(port: int, calls: int) -> None:
    forwarder = Forwarder()
    following = [
        asyncio.create_task(forwarder.follow(port, f"call-{number}"), name=f"call-{number}")
        for number in range(calls)
    ]
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        answer = {"count": forwarder.handed, "last_at": forwarder.last_at}
        os.write(1, json.dumps(answer).encode() + b"\n")
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
