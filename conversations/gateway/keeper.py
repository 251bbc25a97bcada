"""Holds the streams of one kind in this process: takes leases, renews them, lets go in good order.

Each stream runs in a task of its own: whatever one does, the others go on (design.md,
invariant 7). New ones are taken at a pace, so that the end of another gateway does not open all
its sockets at one moment, and gateways that look at the same time share them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError, InterfaceError

from conversations import outages
from conversations.crossing import Crossing
from conversations.gateway import leases
from conversations.gateway.kinds import Stream, StreamKind
from conversations.gateway.leases import Progress, Taken

logger = logging.getLogger(__name__)

LOOK_S = 1.0
PACE = 20  # new streams at one look
TIDY_S = 60.0
_STOP_S = 12.0  # of the 20 that a process has: what is held is given back after it
_FAILED_REST_S = 10.0  # after an end that nobody foresaw
_RENEWALS = 6  # within the life of a lease

Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class _Held:
    stream: Stream
    task: asyncio.Task[None]
    until: float  # the lease's end, by the loop's clock
    leaving: str = ""  # why it was told to stop
    is_lost: bool = False


@dataclass(slots=True)
class _Answer:
    """What the database said before it said no more; None: nothing of it."""

    kept: set[str] | None = None
    wanted: Sequence[str] | None = None
    taken: Taken | None = None


class Keeper:
    def __init__(self, kind: StreamKind, *, owner: str, stopping: asyncio.Event) -> None:
        self._kind = kind
        self._owner = owner
        self._stopping = stopping
        self._leases: Crossing[None] = Crossing(lambda items: list(items), name=kind.name)
        self._held: dict[str, _Held] = {}
        self._renewed_at = self._tidied_at = float("-inf")
        self._is_full = False

    async def run(self) -> None:
        """Until the gateway stops. One failed look is said, and is not the last."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._look()
                except Exception as error:
                    if outages.trouble_of(error) is None:
                        logger.exception("streams %s: a look failed", self._kind.name)
                await self._pause()
        finally:
            await self._let_all_go()
            await self._kind.close()
            await self._leases.close()

    async def _look(self) -> None:
        await self._reap()
        began = _now()
        seen = self._due_for_renewal(began)
        answer = _Answer()
        await self._ask(lambda: self._question(answer, seen))
        if seen:
            self._note_renewal(answer.kept, since=began)
        if answer.wanted is None or answer.taken is None:
            return
        wanted = set(answer.wanted)
        self._drop_unwanted(wanted)
        for key in answer.taken.keys:
            self._start(key, until=began + self._kind.lease_s)
        self._tell_if_full(answer.taken.left)
        if began - self._tidied_at >= TIDY_S:
            self._tidied_at = began
            await self._ask(lambda: leases.tidy(self._kind.name, wanted))

    def _due_for_renewal(self, now: float) -> dict[str, Progress]:
        if now - self._renewed_at < self._kind.lease_s / _RENEWALS - LOOK_S / 2:
            return {}
        self._renewed_at = now
        return {key: held.stream.progress() for key, held in self._held.items()}

    def _question(self, answer: _Answer, seen: dict[str, Progress]) -> None:
        """All of a look at once, on the database thread. A kind that knows without the database
        what is wanted must not look like a database that answers."""
        kind, held = self._kind, frozenset(self._held)
        if seen:
            answer.kept = leases.renew(kind.name, seen, owner=self._owner, lease_s=kind.lease_s)
        wanted = kind.wanted()
        answer.taken = leases.take(
            kind.name,
            [key for key in wanted if key not in held],
            owner=self._owner,
            most=min(PACE, kind.limit - len(held)),
            lease_s=kind.lease_s,
            in_all=kind.in_all,
        )
        answer.wanted = wanted

    def _start(self, key: str, *, until: float) -> None:
        logger.info("stream %s %s: this gateway holds it", self._kind.name, key)
        stream = self._kind.stream(key)
        task = asyncio.create_task(stream.run(), name=f"stream:{self._kind.name}:{key}")
        self._held[key] = _Held(stream, task, until)

    def _tell_if_full(self, left: int) -> None:
        is_full = left > 0 and len(self._held) >= self._kind.limit
        if is_full and not self._is_full:
            logger.warning(
                "streams %s: this gateway is at its limit of %s, %s wait for another one",
                self._kind.name,
                self._kind.limit,
                left,
            )
        self._is_full = is_full

    def _drop_unwanted(self, wanted: set[str]) -> None:
        for key, held in self._held.items():
            if key not in wanted:
                self._stop(held, "nobody wants it any more")

    def _note_renewal(self, kept: set[str] | None, *, since: float) -> None:
        """What another gateway has taken is closed, and so is what may be taken any moment."""
        kind = self._kind
        for key, held in self._held.items():
            if kept is not None and key in kept:
                held.until = since + kind.lease_s
            elif kept is not None or _now() > held.until - kind.lease_s / 2:
                if not held.is_lost:
                    logger.warning("stream %s %s: lease lost, closing", kind.name, key)
                held.is_lost = True
                self._stop(held, "lease lost")

    async def _reap(self) -> None:
        """Streams that have ended, by themselves or because they were told to."""
        for key in [key for key, held in self._held.items() if held.task.done()]:
            held = self._held.pop(key)
            error = None if held.task.cancelled() else held.task.exception()
            if error is not None:
                logger.error("stream %s %s failed", self._kind.name, key, exc_info=error)
            await self._give_back(key, held, failed=error is not None)

    async def _give_back(self, key: str, held: _Held, *, failed: bool) -> None:
        if held.is_lost:
            return
        kind, owner, seen = self._kind, self._owner, {key: held.stream.progress()}

        def write() -> None:
            leases.renew(kind.name, seen, owner=owner, lease_s=kind.lease_s)
            if held.leaving:
                leases.give_back(kind.name, [key], owner=owner, reason=held.leaving)
            else:
                rest_s = _FAILED_REST_S if failed else kind.rest_s
                leases.rest(kind.name, [key], owner=owner, rest_s=rest_s)

        await self._ask(write)

    async def _let_all_go(self) -> None:
        for held in self._held.values():
            self._stop(held, "gateway stopped")
        tasks = {held.task for held in self._held.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._reap()

    @staticmethod
    def _stop(held: _Held, why: str) -> None:
        if not held.leaving:
            held.leaving = why
            held.stream.stop()

    async def _ask(self, question: Callable[[], Result]) -> Result | None:
        """None: the database did not say. Where nothing is held there is no hurry: what is wrong
        is said by the crossing, which knows it."""
        within_s = self._kind.lease_s / 2 if self._held else None
        try:
            async with asyncio.timeout(within_s):
                return await self._leases.call(question)
        except TimeoutError:
            logger.warning(
                "streams %s: nothing heard about the leases in %.0f s", self._kind.name, within_s
            )
        except (DatabaseError, InterfaceError) as error:
            # What is wrong with the database itself was said by the crossing, once.
            if outages.trouble_of(error) is None:
                logger.warning("the database refused a lease: %s", type(error).__name__)
        return None

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._stopping.wait()
        except TimeoutError:
            pass


def _now() -> float:
    return asyncio.get_running_loop().time()
