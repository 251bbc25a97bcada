"""The worker's loop: finds conversations with work, runs a lane for each, until it is stopped.

It looks at a wake-up, often while lanes run (new messages of held conversations), and every
second in any case: a wake-up is only latency, the rows are the queue (reliability F1). It starts
once the worker has reached its broker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from conversations.crossing import Crossing
from conversations.live import doorbell
from conversations.services.unit import Change, apply_changes
from translation.batching import Batcher
from translation.lane import Lane, LaneTools
from translation.provider_state import Seen, report
from translation.work import LEASE_S, ConversationWork, Found, look_for_work, wake_forgotten

logger = logging.getLogger(__name__)

SWEEP_S = 1.0
LINGER_S = 2.0  # after its last work a drain looks often, so that a chat needs no wake-ups
_BUSY_LOOK_S = 0.01
_LEAST_GAP_S = 0.004  # wake-ups closer than this share one look
_RENEW_S = 3.0
_REPORT_S = 2.0
_AUDIT_S = 30.0
MAX_LANES = 200


def commit_changes(changes: Sequence[Change]) -> list[Any]:
    """One transaction for what gathered, then the doorbell."""
    applied = apply_changes(changes, actor="worker")
    doorbell.ring(applied.moved)
    return applied.results


class Drain:
    def __init__(
        self,
        *,
        tools: LaneTools,
        crossing: Crossing[Change],
        batcher: Batcher,
        provider: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._crossing = crossing
        self._batcher = batcher
        self._provider = provider
        self._monotonic = monotonic
        self._lanes: dict[int, Lane] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._next: dict[int, ConversationWork] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._busy_until = 0.0
        self._renew_at = 0.0
        self._report_at = 0.0
        self._audit_at = 0.0
        self._started_at = timezone.now()
        self._reopened_at: datetime | None = None

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until `stop`. A look that fails (database away) is repeated, never fatal."""
        while not self._stopping:
            try:
                await self._look()
                await self._report_provider()
                await self._find_forgotten()
            except DatabaseError as error:
                logger.warning("cannot look for work: %s", type(error).__name__)
            except Exception:
                logger.exception("a look for work failed")
            await self._wait()

    async def stop(self, *, within_s: float = 20.0) -> None:
        """Stop claiming; lanes end their current step and give their conversations back."""
        self._stopping = True
        self.wake()
        for lane in self._lanes.values():
            lane.stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=within_s)
        for task in self._tasks.values():
            task.cancel()

    async def _wait(self) -> None:
        try:
            is_busy = self._lanes or self._monotonic() < self._busy_until
            async with asyncio.timeout(_BUSY_LOOK_S if is_busy else SWEEP_S):
                await self._woken.wait()
            await asyncio.sleep(_LEAST_GAP_S)
        except TimeoutError:
            pass
        self._woken.clear()

    async def _look(self) -> None:
        now = self._monotonic()
        renew = now >= self._renew_at
        found: Found = await self._crossing.call(self._look_in_database, renew)
        if renew:
            self._renew_at = now + _RENEW_S
            for lane in self._lanes.values():
                lane.lease_ends = now + LEASE_S
        if found.claimed:
            self._busy_until = now + LINGER_S
        for work in found.claimed:
            self._open_lane(work, lease_ends=now + LEASE_S)
        for work in found.news:
            if work.conversation_id in self._lanes:
                self._lanes[work.conversation_id].add(work)

    def _look_in_database(self, renew: bool) -> Found:
        held = {pk: lane.work_at for pk, lane in list(self._lanes.items())}
        return look_for_work(
            owner=self._tools.owner,
            held=held,
            capacity=0 if self._stopping else MAX_LANES - len(held),
            renew=renew,
        )

    def _open_lane(self, work: ConversationWork, *, lease_ends: float) -> None:
        if work.conversation_id in self._lanes:
            # Given back in the database, but its task has not ended yet: it opens then.
            self._next[work.conversation_id] = work
            return
        lane = Lane(work, self._tools, lease_ends=lease_ends)
        task = asyncio.create_task(lane.run(), name=f"lane-{work.conversation_id}")
        self._lanes[work.conversation_id] = lane
        self._tasks[work.conversation_id] = task
        task.add_done_callback(lambda done: self._close_lane(work.conversation_id, done))

    def _close_lane(self, conversation_id: int, task: asyncio.Task[None]) -> None:
        self._lanes.pop(conversation_id, None)
        self._tasks.pop(conversation_id, None)
        if not task.cancelled() and task.exception() is not None:
            # Its lease ends by itself; whoever claims the conversation next finds out the rest.
            logger.error("a lane failed", exc_info=task.exception())
        work = self._next.pop(conversation_id, None)
        if work is not None and not self._stopping:
            self._open_lane(work, lease_ends=self._monotonic() + LEASE_S / 2)

    async def _report_provider(self) -> None:
        now = self._monotonic()
        if now < self._report_at:
            return
        self._report_at = now + _REPORT_S
        health = self._batcher.health
        seen = Seen(str(health.state), health.reason)
        reopened_at = await self._crossing.call(report, self._provider, seen)
        if reopened_at and reopened_at > (self._reopened_at or self._started_at):
            self._reopened_at = reopened_at
            self._batcher.reopen()

    async def _find_forgotten(self) -> None:
        now = self._monotonic()
        if now < self._audit_at:
            return
        self._audit_at = now + _AUDIT_S
        if count := await self._crossing.call(wake_forgotten):
            logger.error("%s conversations had work that nothing announced", count)
