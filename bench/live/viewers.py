"""The pages, in a process of their own: raw sockets that note when each mark arrives.

Run as `python -m bench.live.viewers`; a JSON command on each line of standard input. Cheaper than
any WebSocket library, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sys
import time
from array import array
from typing import Any, cast

import uvloop

MARK = re.compile(rb"mark=(\d{8})")
_QUANTILES = (("p50_ms", 0.5), ("p99_ms", 0.99))
_ACK_EVERY = 32
_ACK_EVERY_S = 1.0  # as a page, each at its own time
_TICKS = 20
_OPEN_AT_ONCE = 20


class Book:
    """What arrived at all pages since the last load."""

    def __init__(self) -> None:
        self.marks = array("L")
        self.times = array("d")
        self.doubled = 0
        self.messages = 0
        self.resyncs = 0
        self.closed: list[int] = []

    def summary(self, published: dict[int, float], expected: int) -> dict[str, float]:
        waits = sorted(
            (at - published[mark]) * 1000
            for mark, at in zip(self.marks, self.times, strict=True)
            if mark in published
        )
        lasted = max(self.times, default=0.0) - min(published.values(), default=0.0)
        found = {
            "missed": expected - len(waits),
            "doubled": self.doubled,
            "resyncs": self.resyncs,
            "closed": len(self.closed),
            "messages_a_delivery": self.messages / max(1, len(waits)),
            "deliveries_s": len(waits) / lasted if lasted > 0 else 0.0,
        }
        if waits:
            found |= {name: waits[int(len(waits) * share)] for name, share in _QUANTILES}
            found["max_ms"] = waits[-1]
        return found


class Viewer(asyncio.Protocol):
    """One page; `ready` with its first message."""

    def __init__(self, book: Book, request: bytes, *, acknowledges: bool) -> None:
        self.book = book
        self.ready = asyncio.get_running_loop().create_future()
        self._request = request
        self._acknowledges = acknowledges
        self._held = b""
        self._is_open = False
        self._last = 0
        self._received = self._acknowledged = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            answer = self._held[:80].decode("latin-1")
            why = f"a page was closed at its start: {self.book.closed or answer or error}"
            self.ready.set_exception(ConnectionError(why))

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._held += data
        if not self._is_open:
            head, end, rest = self._held.partition(b"\r\n\r\n")
            if not end or b" 101 " not in head:
                return
            self._is_open, self._held = True, rest
        at = 0
        while (end_at := self._frame(at, now)) is not None:
            at = end_at
        self._held = self._held[at:]

    def _frame(self, at: int, now: float) -> int | None:
        """Where the frame ends that begins at `at`; None if it is not all there."""
        held = self._held
        if len(held) < at + 2:
            return None
        size, start = held[at + 1] & 127, at + 2
        if size == 126:
            size, start = int.from_bytes(held[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(held[at + 2 : at + 10], "big"), at + 10
        if len(held) < start + size or start > len(held):
            return None
        self._take(held[at] & 15, held[start : start + size], now)
        return start + size

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == 9:
            self._send(10, payload)
        elif opcode == 8:
            self.book.closed.append(int.from_bytes(payload[:2], "big"))
        elif opcode == 1:
            self._note(payload, now)

    def _note(self, payload: bytes, now: float) -> None:
        self._received += 1
        if not self.ready.done():
            self.ready.set_result(None)
        else:
            self.book.messages += 1
        for found in MARK.findall(payload):
            mark = int(found)
            if mark <= self._last:
                self.book.doubled += 1
                continue
            self._last = mark
            self.book.marks.append(mark)
            self.book.times.append(now)
        if payload == b'{"type":"resync"}':
            self.book.resyncs += 1
        if self._received - self._acknowledged >= _ACK_EVERY:
            self.acknowledge()

    def acknowledge(self) -> None:
        if self._acknowledges and self._received > self._acknowledged:
            self._acknowledged = self._received
            self._send(1, b'{"type":"ack","n":%d}' % self._received)

    def _send(self, opcode: int, payload: bytes) -> None:
        # A mask of zeros leaves the payload as it is.
        self._transport.write(bytes((128 | opcode, 128 | len(payload))) + b"\0\0\0\0" + payload)


class Commands:
    def __init__(self) -> None:
        self._viewers: list[Viewer] = []
        self._book = Book()

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await getattr(self, f"_{command.pop('do')}")(**command)
        return answer

    async def _open(self, port: int, pages: list[str], headers: list[str], acks: bool) -> Any:
        self._book = Book()
        self._viewers = []
        for first in range(0, len(pages), _OPEN_AT_ONCE):
            some = pages[first : first + _OPEN_AT_ONCE]
            opened = [self._opened(port, page, headers, acks=acks) for page in some]
            self._viewers += await asyncio.gather(*opened)
        return {"open": len(self._viewers)}

    async def _opened(self, port: int, page: str, headers: list[str], *, acks: bool) -> Viewer:
        lines = [
            f"GET {page} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: " + "YmVuY2hiZW5jaGJlbmNoIQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        loop = asyncio.get_running_loop()
        _, viewer = await loop.create_connection(
            lambda: Viewer(self._book, request, acknowledges=acks), "127.0.0.1", port
        )
        async with asyncio.timeout(30):
            await viewer.ready
        return viewer

    async def _begin(self) -> Any:
        """What came until now belonged to the opening of the pages."""
        self._book = Book()
        for viewer in self._viewers:
            viewer.book = self._book
        return {}

    async def _wait(self, count: int, timeout_s: float) -> Any:
        deadline = time.monotonic() + timeout_s
        while len(self._book.marks) < count and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        return {"count": len(self._book.marks)}

    async def _summary(self, published: list[list[float]], expected: int) -> Any:
        return self._book.summary({int(mark): at for mark, at in published}, expected)

    async def _close(self) -> Any:
        for viewer in self._viewers:
            viewer.close()
        self._viewers = []
        return {}

    async def tick(self) -> None:
        for number in itertools.cycle(range(_TICKS)):
            await asyncio.sleep(_ACK_EVERY_S / _TICKS)
            for viewer in self._viewers[number::_TICKS]:
                viewer.acknowledge()


async def _serve() -> None:
    commands = Commands()
    loop = asyncio.get_running_loop()
    ticking = asyncio.create_task(commands.tick(), name="acks")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            answer = await commands.obey(json.loads(line))
        except (OSError, TimeoutError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(1, json.dumps(answer).encode() + b"\n")
    ticking.cancel()


if __name__ == "__main__":
    uvloop.run(_serve())
