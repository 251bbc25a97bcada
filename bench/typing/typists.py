"""The agents' pages, in a process of their own: type as people do, report as the page does.

Run as `python -m bench.typing.typists`; a JSON command on each line of standard input.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

# As templates/static/console/reply/keystrokes.js has it.
REPORT_S = 0.15
REST_S = 0.4
_KEYS_A_SECOND = 6.0
_OPEN_AT_ONCE = 10


class Page:
    """One agent at one conversation."""

    def __init__(self, name: str, socket: ClientConnection, seed: int) -> None:
        self.name, self._socket = name, socket
        self._random = random.Random(seed)
        self._received = self._acknowledged = 0
        self.reported: list[float] = []  # when the last keystroke of each report was
        self.keys = 0
        self._reader = asyncio.create_task(self._read(), name=f"read-{name}")
        self._typing: asyncio.Task[None] | None = None

    async def _read(self) -> None:
        acknowledged_at = time.monotonic()
        async for _ in self._socket:
            self._received += 1
            now = time.monotonic()
            if now - acknowledged_at >= 1.0:
                acknowledged_at = now
                await self._socket.send(json.dumps({"type": "ack", "n": self._received}))

    def start(self) -> None:
        self.reported, self.keys = [], 0
        self._typing = asyncio.create_task(self._type(), name=f"type-{self.name}")

    async def stop(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            await asyncio.gather(self._typing, return_exceptions=True)

    async def close(self) -> None:
        await self.stop()
        self._reader.cancel()
        await self._socket.close()

    async def _type(self) -> None:
        count, told_at = 0, float("-inf")
        await asyncio.sleep(self._random.random())
        while True:
            await asyncio.sleep(self._random.expovariate(_KEYS_A_SECOND))
            now = time.monotonic()
            count += 1
            self.keys += 1
            if now - told_at >= REPORT_S:
                await self._socket.send(json.dumps({"type": "keys", "n": count, "ms": 0}))
                count, told_at = 0, now
                self.reported.append(now)


class Pages:
    def __init__(self) -> None:
        self._pages: list[Page] = []

    async def open(self, port: int, cookies: dict[str, str]) -> dict[str, Any]:
        limit = asyncio.Semaphore(_OPEN_AT_ONCE)

        async def one(name: str, cookie: str, seed: int) -> Page:
            async with limit:
                socket = await connect(
                    f"ws://127.0.0.1:{port}/ws/live/{name}/",
                    origin=Origin(f"http://127.0.0.1:{port}"),
                    additional_headers={"Cookie": cookie},
                    ping_interval=None,
                    compression=None,
                    proxy=None,
                )
                await socket.recv()  # its snapshot: from now on it may say something
                return Page(name, socket, seed)

        made = (one(name, cookie, seed) for seed, (name, cookie) in enumerate(cookies.items()))
        self._pages = list(await asyncio.gather(*made))
        return {"open": len(self._pages)}

    async def do(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["do"] == "open":
            return await self.open(command["port"], command["cookies"])
        if command["do"] == "start":
            for page in self._pages:
                page.start()
            return {}
        await asyncio.gather(*(page.stop() for page in self._pages))
        return {
            "keys": sum(page.keys for page in self._pages),
            "reported": {page.name: page.reported for page in self._pages},
        }


async def main() -> None:
    pages = Pages()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        sys.stdout.write(json.dumps(await pages.do(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
