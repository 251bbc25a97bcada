"""The platform's side of typing, in a process of its own: notes when each `active` arrives.

Run as `python -m bench.typing.platform PORT`; a JSON command on each line of standard input. Takes
any socket, so that transcript streams find somebody too.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

PATH = "/v1/conversations/{conversation_id}/websocket"
_TYPING = re.compile(PATH.replace("{conversation_id}", "([^/]+)"))


class Board:
    def __init__(self) -> None:
        self.open = self.most = 0
        self.ends = 0
        self.arrived: list[tuple[str, float]] = []

    async def hold(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        found = _TYPING.fullmatch(socket.request.path)
        if found is None:
            await socket.wait_closed()
            return
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            async for frame in socket:
                now = time.monotonic()
                said = json.loads(frame)
                if said.get("state") == "active":
                    self.arrived.append((found[1], now))
                elif said.get("state") == "inactive":
                    self.ends += 1
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["do"] == "forget":
            self.arrived, self.ends = [], 0
            return {}
        return {"open": self.open, "most": self.most, "ends": self.ends, "arrived": self.arrived}


async def main(port: int) -> None:
    board = Board()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with serve(board.hold, "127.0.0.1", port, ping_interval=None, compression=None):
        while line := await reader.readline():
            sys.stdout.write(json.dumps(board.do(json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
