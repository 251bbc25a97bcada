"""Holds back what transcript sockets bring for a moment, then has it recorded in groups.

The org socket nearly always brings the same message within that moment; then the copy is merged
with what is stored, and the order in which things were said is the org socket's (protocol §1).
Bounded: whoever brings more than fits waits, and so does the socket behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from conversations.crossing import Crossing
from conversations.genesys.events import ConversationClosed
from conversations.live import doorbell
from conversations.services.copies import CopyEvent, record_copies

logger = logging.getLogger(__name__)

SETTLE_S = 2.5  # longer than the window of sameness
BOUND = 1000


class Settling:
    def __init__(self, *, settle_s: float = SETTLE_S, bound: int = BOUND) -> None:
        self._settle_s = settle_s
        self._room = asyncio.Semaphore(bound)
        self._waiting: deque[tuple[float, CopyEvent]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._handed: set[asyncio.Future[object]] = set()
        self.crossing: Crossing[CopyEvent] = Crossing(self._record, name="transcripts")
        self.stored = self.merged = self.repeated = 0

    async def put(self, event: CopyEvent) -> None:
        """Take `event` in, in order; waits while it is full."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self._settle_s, event))
        if self._pump is None or self._pump.done():
            self._pump = loop.create_task(self._run(), name="transcripts-settle")

    async def close(self) -> None:
        """Have recorded what waits, at once, then end."""
        self._hurry.set()
        if self._pump is not None:
            await self._pump
        if self._handed:
            await asyncio.wait(self._handed)
        await self.crossing.close()

    async def _run(self) -> None:
        while self._waiting:
            due, _ = self._waiting[0]
            await self._wait_until(due)
            _, event = self._waiting.popleft()
            future = self.crossing.submit(event)
            self._handed.add(future)
            future.add_done_callback(self._settled)

    async def _wait_until(self, due: float) -> None:
        try:
            async with asyncio.timeout_at(due):
                await self._hurry.wait()
        except TimeoutError:
            pass

    def _settled(self, done: asyncio.Future[object]) -> None:
        self._handed.discard(done)
        self._room.release()
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.warning("a transcript's copy could not be recorded: %s", type(error).__name__)

    def _record(self, events: Sequence[CopyEvent]) -> Sequence[object]:
        """On the database thread: one transaction, then the bells, which may fail."""
        done = record_copies(events)
        self.stored += done.stored
        self.merged += done.merged
        self.repeated += done.repeated
        if done.closed:
            ends = [event for event in events if isinstance(event, ConversationClosed)]
            for event in ends:
                logger.info("conversation %s: closed by the platform", event.conversation_id)
        doorbell.ring(done.moved)
        return [None] * len(events)
