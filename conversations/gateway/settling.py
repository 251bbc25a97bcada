"""Holds back what transcript sockets bring for a moment, then has it recorded in groups.

The org socket nearly always brings the same message within that moment; then the copy is merged
with what is stored, and the order in which things were said is the org socket's (protocol §1).
While that socket is away, or has a gap that is not read yet, copies wait for it: an earlier message
may be in the gap, and a copy that is stored has its place. Bounded in time, so that an outage of
the org socket alone does not hide what is said, and in number: whoever brings more than fits waits,
and so does the socket behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from conversations.crossing import Crossing
from conversations.genesys.events import ConversationClosed
from conversations.live import doorbell
from conversations.services.copies import CopyEvent, record_copies
from conversations.services.org_socket import is_read_up_to

logger = logging.getLogger(__name__)

SETTLE_S = 2.5  # longer than the window of sameness
AT_MOST_S = 60.0  # as long as a message may be stuck
LOOK_S = 0.5
BOUND = 1000


@dataclass(frozen=True, slots=True)
class _Held:
    event: CopyEvent
    begun: float  # by the loop's clock
    heard_at: datetime


class Settling:
    def __init__(
        self,
        *,
        settle_s: float = SETTLE_S,
        at_most_s: float = AT_MOST_S,
        bound: int = BOUND,
        is_read_up_to: Callable[[datetime], bool] = is_read_up_to,
    ) -> None:
        """`is_read_up_to`: whether the org socket has brought all up to then; asks the database."""
        self._settle_s, self._at_most_s = settle_s, at_most_s
        self._is_read_up_to = is_read_up_to
        self._room = asyncio.Semaphore(bound)
        self._waiting: deque[_Held] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._handed: set[asyncio.Future[object]] = set()
        self.crossing: Crossing[CopyEvent] = Crossing(self._record, name="transcripts")
        self.stored = self.merged = self.repeated = 0

    async def put(self, event: CopyEvent) -> None:
        """Take `event` in, in order; waits while it is full."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        self._waiting.append(_Held(event, loop.time(), timezone.now()))
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
        read_up_to = None  # the newest moment of which it is known
        while self._waiting:
            held = self._waiting[0]
            await self._wait_until(held.begun + self._settle_s)
            while read_up_to is None or read_up_to < held.heard_at:
                newest = self._waiting[-1].heard_at
                moments = (newest, held.heard_at) if newest > held.heard_at else (newest,)
                read_up_to = await self._known_of(moments) or read_up_to
                if self._hurry.is_set() or _now() > held.begun + self._at_most_s:
                    break
                if read_up_to is None or read_up_to < held.heard_at:
                    await self._wait_until(_now() + LOOK_S)
            self._waiting.popleft()
            future = self.crossing.submit(held.event)
            self._handed.add(future)
            future.add_done_callback(self._settled)

    async def _known_of(self, moments: Sequence[datetime]) -> datetime | None:
        """The first of these up to which the org socket has been read."""
        for moment in moments:
            try:
                if await self.crossing.call(self._is_read_up_to, moment):
                    return moment
            except (DatabaseError, InterfaceError) as error:
                logger.info("the org socket's state cannot be read: %s", type(error).__name__)
                return None
        return None

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


def _now() -> float:
    return asyncio.get_running_loop().time()
