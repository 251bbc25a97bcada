"""Lines of standard input for an event loop, whatever it is: a terminal, a pipe, or a file.

A thread reads the descriptor itself: one that waits inside Python's own reader would hold its lock
for ever, and with it the end of the process.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator

CHUNK = 64 * 1024
MAX_LINE = 256 * 1024  # characters; what is longer is cut there, and still too long for a message
MAX_AHEAD = 1_000  # lines; beyond it the input is not read on


async def typed_lines(descriptor: int) -> AsyncIterator[str]:
    """Until the end of the input."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(MAX_AHEAD)

    def read() -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        while chunk := _read(descriptor):
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in whole:
                room.acquire()
                put(line[:MAX_LINE])
            rest = rest[:MAX_LINE]  # the rest of such a line is left out as it comes
        if rest:
            put(rest)
        put(None)

    def put(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lines.put_nowait, line and line.removesuffix("\r"))

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    while (line := await lines.get()) is not None:
        room.release()
        yield line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError:  # a terminal that is gone
        return b""
