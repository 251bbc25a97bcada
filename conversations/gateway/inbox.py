"""Between a socket and the database: bounded, in order, committed in groups.

`put` makes the reader wait when the bound is reached, so that a slow database stops the reading
(TCP back-pressure) instead of filling the memory (reliability A15, A20).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from conversations.crossing import LATER, Crossing
from conversations.genesys.events import Event, Ignored, Malformed, MessageReceived
from conversations.genesys.frames import malformed
from conversations.live import doorbell
from conversations.net.faultpoints import point
from conversations.services.recording import Recorded, record_events
from conversations.signals import work_arrived

logger = logging.getLogger(__name__)

BOUND = 1000


class InboxLost(RuntimeError):
    """Events could not be stored: the socket is closed, and the gap is backfilled later."""


@dataclass(slots=True)
class Counts:
    frames: int = 0
    malformed: int = 0
    ignored: int = 0
    repeated: int = 0
    echoes: int = 0


_of_streams: dict[str, Counts] = {}


def counts() -> dict[str, Counts]:
    """For the metrics of this process: by stream, since it last took the stream's lease."""
    return dict(_of_streams)


class Inbox:
    def __init__(self, *, stream: str, bound: int = BOUND) -> None:
        self._stream = stream
        self._room = asyncio.Semaphore(bound)
        self._lost: Exception | None = None
        self._under_way: set[asyncio.Future[Any]] = set()
        self.crossing: Crossing[Event] = Crossing(self._record, name="gateway")
        self.counts = _of_streams[stream] = Counts()
        self.stored_until: datetime | None = None

    async def put(self, event: Event) -> None:
        """Take `event` in, in order; waits while the inbox is full. Raises InboxLost."""
        point("K1")  # frame read, nothing stored
        self.counts.frames += 1
        if isinstance(event, Ignored):
            self.counts.ignored += 1
            return
        await self._room.acquire()
        if self._lost is not None:
            self._room.release()
            lost, self._lost = self._lost, None
            raise InboxLost(type(lost).__name__) from lost
        self._take(event, received_at=timezone.now())

    def _take(self, event: Event, *, received_at: datetime) -> None:
        future = self.crossing.submit(event)
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._settled(done, event, received_at))

    async def stored(self) -> None:
        """Wait until all that was taken in so far is durable. Raises InboxLost, also for what was
        lost before it was asked and is still to be said to `put`."""
        waiting = set(self._under_way)
        if waiting:
            await asyncio.wait(waiting)
        if self._lost is not None:
            raise InboxLost(type(self._lost).__name__) from self._lost
        for one in waiting:
            error = None if one.cancelled() else one.exception()
            if one.cancelled() or isinstance(error, OperationalError | InterfaceError):
                raise InboxLost(type(error).__name__) from error

    def _settled(self, done: asyncio.Future[Any], event: Event, received_at: datetime) -> None:
        self._room.release()
        self._under_way.discard(done)
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self.stored_until = received_at
        elif isinstance(error, OperationalError | InterfaceError):
            self._lost = error
        elif isinstance(event, MessageReceived):
            # The database refuses this one event for ever: keep it where a person sees it.
            received = json.dumps(event.raw, ensure_ascii=False)
            poison = malformed(received, "refused by the database")
            asyncio.get_running_loop().call_soon(self._keep_poison, poison)

    def _keep_poison(self, poison: Malformed) -> None:
        future = self.crossing.submit(poison)
        future.add_done_callback(_tell_if_lost)

    def _record(self, events: Sequence[Event]) -> Sequence[object]:
        """On the database thread: one transaction, then the bells, which may fail."""
        recorded: Recorded = record_events(events, stream=self._stream, skip_busy=True)
        point("K2")  # stored, nobody told
        self.counts.malformed += recorded.malformed
        self.counts.repeated += recorded.repeated
        self.counts.echoes += recorded.echoes
        if recorded.work:
            work_arrived.send(sender=Inbox)
        doorbell.ring(recorded.moved)
        return [LATER if _conversation_of(event) in recorded.busy else None for event in events]


def _conversation_of(event: Event) -> str:
    return getattr(event, "conversation_id", "")


def _tell_if_lost(done: asyncio.Future[Any]) -> None:
    if not done.cancelled() and done.exception() is not None:
        logger.error("a refused event could not be kept")
