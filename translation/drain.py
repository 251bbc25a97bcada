"""The worker's loop: finds conversations with work, runs a lane for each, until it is stopped.

It looks at a wake-up, often while lanes run (new messages of held conversations), and every
second in any case: a wake-up is only latency, the rows are the queue (reliability F1).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from conversations import outages
from conversations.crossing import Crossing
from conversations.live import doorbell
from conversations.net.faultpoints import point
from conversations.services import leases
from conversations.services.leases import LEASE_S
from conversations.services.unit import Change, apply_changes
from translation.batching import Batcher
from translation.lane import Lane
from translation.lane_tools import LaneTools
from translation.provider_state import Seen, report
from translation.work import Found, look_at, look_for_work, wake_forgotten

logger = logging.getLogger(__name__)

SWEEP_S = 1.0
LINGER_S = 5.0  # a conversation without work is kept so long; a drain looks often so long
_BUSY_LOOK_S = 0.01
_CALLED_LOOK_S = 0.2  # where the database calls (PostgreSQL), looking is only a fall-back
_LEAST_GAP_S = 0.002  # looks are this far apart: wake-ups closer than that share one
_RENEW_S = 3.0
_REPORT_S = 2.0
_AUDIT_S = 30.0
_EASE_LANES = 8
_CROWD = 4  # so many deliveries wait for a turn: another worker may have one free
_PATIENCE = timedelta(milliseconds=300)  # in which others take what a crowded worker leaves
MAX_LANES = 200


def commit_changes(changes: Sequence[Change]) -> list[Any]:
    """One transaction for what gathered, then the doorbell."""
    applied = apply_changes(changes, actor="worker", skip_busy=True)
    point("K11")  # stored, no page told
    doorbell.ring(applied.moved)
    return applied.results


class Drain:
    """Holds a lane for each conversation whose lease it has; runs those that have work."""

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
        self._tasks: dict[int, asyncio.Task[bool]] = {}
        self._idle_since: dict[int, float] = {}
        self._woken = asyncio.Event()
        self._look_everywhere = True
        self._called: set[int] = set()
        self._hears = False  # the database calls us: no need to look often
        self._looking = asyncio.Lock()
        self._stopping = False
        self._is_full = False
        self._looked_at = 0.0
        self._busy_until = 0.0
        self._renew_at = 0.0
        self._bury_at = 0.0
        self._report_at = 0.0
        self._audit_at = 0.0
        self._started_at = timezone.now()
        self._reopened_at: datetime | None = None

    def wake(self) -> None:
        """There may be work: look for it."""
        self._look_everywhere = True
        self._woken.set()

    def call(self, conversation_ids: list[int]) -> None:
        """There is work for conversations that this worker holds; none named: look for it."""
        if not conversation_ids:
            return self.wake()
        self._called.update(conversation_ids)
        return self._woken.set()

    def hear(self, hears: bool) -> None:
        """Whether wake-ups reach this worker by the database itself."""
        self._hears = hears

    async def run(self) -> None:
        """Until `stop`. A look that fails (database away) is repeated, never fatal."""
        while not self._stopping:
            try:
                async with self._looking:
                    await self._keep_leases()
                    await self._end_leases_of_the_dead()
                    await self._look()
                await self._report_provider()
                await self._find_forgotten()
            except DatabaseError as error:
                if outages.trouble_of(error) is None:  # else the crossing has said it, once
                    logger.warning("cannot look for work: %s", type(error).__name__)
            except Exception:
                logger.exception("a look for work failed")
            await self._wait()

    async def stop(self, *, within_s: float = 20.0) -> None:
        """Stop claiming; lanes end their current step, and every conversation is given back."""
        self._stopping = True
        self.wake()
        async with self._looking:
            pass  # a look that is under way may still open lanes
        for lane in self._lanes.values():
            lane.stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=within_s)
        for task in self._tasks.values():
            task.cancel()
        try:
            await self._crossing.call(self._release, list(self._idle_since))
        except DatabaseError as error:
            # The leases end by themselves.
            logger.warning("leases not given back: %s", type(error).__name__)

    async def _wait(self) -> None:
        is_busy = self._tasks or self._monotonic() < self._busy_until
        pause_s = SWEEP_S if not is_busy else _CALLED_LOOK_S if self._hears else _BUSY_LOOK_S
        try:
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        except TimeoutError:
            self._look_everywhere = True
        early_s = self._looked_at + _LEAST_GAP_S - self._monotonic()
        if early_s > 0:
            await asyncio.sleep(early_s)
        self._woken.clear()

    async def _keep_leases(self) -> None:
        """Renew what is held; give back what has been idle for LINGER_S."""
        now = self._monotonic()
        if now < self._renew_at:
            return
        idle = [pk for pk, since in self._idle_since.items() if now - since > LINGER_S]
        for pk in idle:
            self._drop(pk)
        kept = await self._crossing.call(self._prolong, list(self._lanes), idle)
        self._renew_at = now + _RENEW_S
        for pk, lane in list(self._lanes.items()):
            if pk in kept:
                lane.lease_ends = now + LEASE_S
            elif pk in self._idle_since:
                self._drop(pk)  # somebody took it over; a lane that runs learns it at its commit

    def _prolong(self, held: list[int], idle: list[int]) -> set[int]:
        self._release(idle)
        return leases.renew(held, owner=self._tools.owner, now=timezone.now())

    def _release(self, conversation_ids: list[int]) -> None:
        leases.release(conversation_ids, owner=self._tools.owner)

    async def _end_leases_of_the_dead(self) -> None:
        now = self._monotonic()
        if now < self._bury_at or self._stopping:
            return
        self._bury_at = now + SWEEP_S
        if await self._crossing.call(self._end_theirs):
            self._look_everywhere = True

    def _end_theirs(self) -> int:
        return leases.end_leases_of_the_dead(owner=self._tools.owner, now=timezone.now())

    async def _look(self) -> None:
        self._looked_at = now = self._monotonic()
        called, self._called = self._called & self._lanes.keys(), set()
        if self._look_everywhere:
            self._look_everywhere = False
            found = await self._crossing.call(self._look_in_database)
            self._is_full = not found.is_all
        elif called:
            found = await self._crossing.call(self._look_at_these, called)
        else:
            return
        if found.claimed or found.news:
            self._busy_until = now + LINGER_S
        for work in found.claimed:
            # One that was given back, but whose task has not ended yet, is claimed again later.
            if work.conversation_id not in self._lanes:
                lane = Lane(work, self._tools, lease_ends=now + LEASE_S, keeps=self._is_at_ease)
                self._lanes[work.conversation_id] = lane
                self._start(lane)
        for work in found.news:
            if known := self._lanes.get(work.conversation_id):
                known.add(work)
                self._start(known)

    def _is_at_ease(self) -> bool:
        """A busy worker keeps nothing for later: whoever looks first takes it, and load spreads."""
        return len(self._tasks) <= _EASE_LANES and not self._stopping

    def _look_in_database(self) -> Found:
        held = {pk: lane.work_at for pk, lane in list(self._lanes.items())}
        capacity = 0 if self._stopping else MAX_LANES - len(self._tasks)
        is_crowded = self._tools.rest.waiting >= _CROWD
        patience = _PATIENCE if is_crowded else timedelta(0)
        return look_for_work(
            owner=self._tools.owner, held=held, capacity=capacity, patience=patience
        )

    def _look_at_these(self, conversation_ids: set[int]) -> Found:
        return look_at(conversation_ids, owner=self._tools.owner)

    def _start(self, lane: Lane) -> None:
        pk = lane.conversation_id
        # A mark without anything to do must be taken down all the same.
        is_marked = lane.work_at is not None and not lane.awaits_news
        if pk in self._tasks or not (lane.has_work or is_marked):
            return
        self._idle_since.pop(pk, None)
        task = asyncio.create_task(lane.run(), name=f"lane-{pk}")
        self._tasks[pk] = task
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: Lane, task: asyncio.Task[bool]) -> None:
        pk = lane.conversation_id
        self._tasks.pop(pk, None)
        failure = None if task.cancelled() else task.exception()
        if task.cancelled() or failure is not None or not task.result():
            self._drop(pk)
            if failure is not None and outages.trouble_of(failure) is None:
                # Its lease ends by itself; whoever claims the conversation next finds out the rest.
                logger.error("a lane failed", exc_info=failure)
        else:
            self._idle_since[pk] = self._monotonic()
            if not self._stopping:
                self._start(lane)
        if self._is_full or lane.awaits_news:
            self.wake()

    def _drop(self, conversation_id: int) -> None:
        if lane := self._lanes.pop(conversation_id, None):
            lane.abandon()
        self._idle_since.pop(conversation_id, None)

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
