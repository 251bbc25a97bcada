"""Reads what the watched conversations have past their cursors: at a bell, and every POLL_S.

One read for all conversations that are due. A conversation is read ten times a second at most, so
that pages get one update per message in that time, the newest; what was quiet is read at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from conversations import outages
from conversations.live.database import read
from conversations.live.snapshots import Changes, events_past, heads
from conversations.live.watches import ConversationWatch

logger = logging.getLogger(__name__)

Reader = Callable[[Mapping[int, int]], dict[int, Changes]]

POLL_S = 1.0
REST_S = 0.1  # between two updates of one conversation
PAUSE_S = 0.01  # between two reads; as long as the last one took, so that half the time is left
MAX_PAUSE_S = 0.05
RETRY_S = 1.0


class JournalReading:
    """Used on one event loop; `watches` belongs to the tailer."""

    def __init__(
        self, watches: Mapping[int, ConversationWatch], reader: Reader | None = None
    ) -> None:
        self._watches = watches
        self._reader = reader
        self._rung: dict[int, int] = {}  # conversation → seq that a bell has named
        self._wake = asyncio.Event()
        self._pause = PAUSE_S
        self._polled_at = 0.0
        self.read_at = 0.0  # all of the journal up to then has been read

    def ring(self, conversation: int, seq: int) -> None:
        watch = self._watches.get(conversation)
        if watch is not None and (watch.cursor is None or seq > watch.cursor):
            self._rung[conversation] = max(seq, self._rung.get(conversation, 0))
            self._wake.set()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            await self._until_due()
            try:
                await self._step()
            except Exception as error:
                if outages.tell(error) is None:
                    logger.exception("Live pages: a read of the journal failed, tried again.")
                await asyncio.sleep(RETRY_S)

    async def _until_due(self) -> None:
        """Until a poll, or until a conversation that rang has rested."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            due_at = min((self._due_at(pk) for pk in self._rung), default=now + POLL_S)
            due_at = min(due_at, self._polled_at + POLL_S)
            if due_at <= now:
                return
            try:
                async with asyncio.timeout(due_at - now):
                    await self._wake.wait()
            except TimeoutError:
                return

    def _due_at(self, conversation: int) -> float:
        watch = self._watches.get(conversation)
        return watch.rests_until if watch is not None else 0.0

    async def _step(self) -> None:
        began = time.monotonic()
        wanted = {pk: seq for pk, seq in self._rung.items() if self._due_at(pk) <= began}
        for pk in wanted:
            del self._rung[pk]
        is_poll = began - self._polled_at >= POLL_S
        if is_poll:
            # Bells get lost, those of one conversation as well as all of them.
            wanted = await read(heads, list(self._watches))
            self._polled_at = began
            self._look_for_rewound(wanted)
        while cursors := self._behind(wanted):
            read_at = time.monotonic()
            found = await read(self._reader or events_past, cursors)
            for pk, changes in found.items():
                watch = self._watches.get(pk)
                if watch is not None and watch.cursor == cursors[pk]:  # still the same one
                    _hand_on(watch, changes)
                    watch.rests_until = read_at + REST_S
            if not found:
                break
        took = time.monotonic() - began
        self._pause = min(MAX_PAUSE_S, max(PAUSE_S, took))
        if is_poll:
            self.read_at = began

    def _behind(self, wanted: Mapping[int, int]) -> dict[int, int]:
        """The cursors of the conversations that are watched and have not come that far."""
        return {
            pk: watch.cursor
            for pk, seq in wanted.items()
            if (watch := self._watches.get(pk)) and watch.cursor is not None
            if watch.cursor < seq
        }

    def _look_for_rewound(self, found: Mapping[int, int]) -> None:
        for pk, seq in found.items():
            watch = self._watches.get(pk)
            if watch is not None and watch.cursor is not None and seq < watch.cursor:
                logger.warning(
                    "Live pages: a journal went back to %s; its pages start afresh.", seq
                )
                _begin_afresh(watch)


def _hand_on(watch: ConversationWatch, changes: Changes) -> None:
    if changes.needs_snapshot:
        _begin_afresh(watch)
    else:
        watch.apply(changes)


def _begin_afresh(watch: ConversationWatch) -> None:
    for member in watch.begin_afresh():
        member.restart()
