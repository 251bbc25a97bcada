"""What waits for one browser: bounded by what the page has not acknowledged yet.

Daphne buffers without bound for a browser that does not read (reliability F15), so the limit is
ours: a page acknowledges what it has received; beyond its credit nothing more is sent, and when
too much waits it gets nothing but a resync later. Knows neither journal nor Channels.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from conversations.live.frames import Frame

MAX_FRAMES = 256
MAX_BYTES = 512 * 1024  # sent and not acknowledged, or waiting
MAX_SENT_BYTES = 384 * 1024  # of them sent: below us they are buffered once more
SILENT_S = 10.0  # an unacknowledged frame this old: the page is stale
GIVE_UP_S = 30.0  # stale for so long: the socket is closed


class Outbox:
    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._monotonic = monotonic
        # What a page starts from is the same for many and may be larger than the credit: it waits
        # uncounted, and goes first.
        self._starting: deque[Frame] = deque()
        self._queue: deque[Frame] = deque()
        self._unacked: deque[tuple[int, float]] = deque()  # size and time, oldest first
        self._queued_bytes = self._unacked_bytes = 0
        self._sent = 0
        self._acked = 0
        self._ready = asyncio.Event()
        self._stale_since: float | None = None
        self._is_shut = False

    @property
    def is_stale(self) -> bool:
        return self._stale_since is not None

    @property
    def is_starting(self) -> bool:
        """Part of what the page begins with has not been sent."""
        return bool(self._starting)

    @property
    def is_hopeless(self) -> bool:
        since = self._stale_since
        return since is not None and self._monotonic() - since >= GIVE_UP_S

    def put(self, frame: Frame) -> bool:
        """Queue a frame; False when the page is behind: it will have to start afresh."""
        if self.is_stale or self._is_shut:
            return False
        if self._is_full(frame):
            self.mark_stale()
            return False
        self._queue.extend(frame.pieces)
        self._queued_bytes += sum(piece.size for piece in frame.pieces)
        self._ready.set()
        return True

    def put_start(self, frames: tuple[Frame, ...]) -> None:
        """What the page begins with; what has been put before goes out first."""
        if self.is_stale or self._is_shut:
            return
        self._starting.extend(self._queue)
        self._starting.extend(piece for frame in frames for piece in frame.pieces)
        self._queue.clear()
        self._queued_bytes = 0
        self._ready.set()

    def mark_stale(self) -> None:
        """Drop what waits; nothing more is sent until the page has caught up."""
        if self._stale_since is None:
            self._stale_since = self._monotonic()
        self._forget()

    def check(self) -> None:
        """Called now and then: a page that has not acknowledged for long is stale."""
        if self._unacked and self._monotonic() - self._unacked[0][1] >= SILENT_S:
            self.mark_stale()

    def acknowledge(self, count: int) -> bool:
        """The page has received `count` frames since it opened; False if that cannot be."""
        if not self._acked <= count <= self._sent:
            return False
        for _ in range(count - self._acked):
            size, _at = self._unacked.popleft()
            self._unacked_bytes -= size
        self._acked = count
        self._ready.set()
        return True

    def has_caught_up(self) -> bool:
        return not self._unacked

    def revive(self) -> None:
        self._stale_since = None

    def shut(self) -> None:
        """Nothing more goes out, whatever is still put in."""
        self._is_shut = True
        self._forget()

    async def run(self) -> None:
        """Sends what is queued until cancelled; only this socket waits for this browser."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            while (frame := self._next()) is not None:
                self._unacked.append((frame.size, self._monotonic()))
                self._unacked_bytes += frame.size
                self._sent += 1
                await self._send(frame.text)

    def _next(self) -> Frame | None:
        """What may go out now: a single frame larger than all credit goes out alone."""
        waiting = self._starting or self._queue
        if not waiting:
            return None
        is_spent = (
            len(self._unacked) >= MAX_FRAMES
            or self._unacked_bytes + waiting[0].size > MAX_SENT_BYTES
        )
        if self._unacked and is_spent:
            return None
        frame = waiting.popleft()
        if waiting is self._queue:
            self._queued_bytes -= frame.size
        return frame

    def _is_full(self, frame: Frame) -> bool:
        waiting = len(self._queue) + len(self._unacked)
        held = self._queued_bytes + self._unacked_bytes
        return waiting >= MAX_FRAMES or (waiting > 0 and held + frame.size > MAX_BYTES)

    def _forget(self) -> None:
        self._starting.clear()
        self._queue.clear()
        self._queued_bytes = 0
