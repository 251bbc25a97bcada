"""The stub's process: one JSON command a line on standard input, one JSON answer on the output.

`python -m bench.stub` prints {"port": …} first. Commands: `wait` for the org socket, `load`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import uvloop

from bench import load
from bench.site import StubSite
from bench.wire import Connection


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def _wait(site: StubSite, *, sockets: int, timeout_s: float) -> dict[str, Any]:
    """Until exactly so many org sockets are open: 0 means that the last contender has gone."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while len(site.sockets) != sockets:  # noqa: ASYNC110 - nothing is measured yet
                await asyncio.sleep(0.02)
    return {"sockets": len(site.sockets)}


async def _do(site: StubSite, command: dict[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in command.items() if name != "do"}
    if command["do"] == "wait":
        return await _wait(site, **arguments)
    return await load.run(site, load.Load(**arguments))


async def main() -> None:
    loop = asyncio.get_running_loop()
    site = StubSite(loop)
    server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=512)
    commands = await _commands()
    _say({"port": server.sockets[0].getsockname()[1]})
    while line := await commands.readline():
        _say(await _do(site, json.loads(line)))


if __name__ == "__main__":
    uvloop.run(main())
