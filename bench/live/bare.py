"""The limit: `websockets.broadcast` to whoever watches. `python -m bench.live.bare PORT`"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import defaultdict

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

_watching: dict[str, set[ServerConnection]] = defaultdict(set)


async def _handle(socket: ServerConnection) -> None:
    assert socket.request is not None
    name = socket.request.path.strip("/").rpartition("/")[2]
    if name == "publish":
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                to, _, text = str(message).partition("\n")
                broadcast(_watching[to], text)
        return
    _watching[name].add(socket)
    await socket.send('{"type":"snapshot"}')
    try:
        await socket.wait_closed()
    finally:
        _watching[name].discard(socket)


async def _serve(port: int) -> None:
    # Without compression, as Daphne.
    async with serve(_handle, "127.0.0.1", port, compression=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
