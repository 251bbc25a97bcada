"""Between `sending` and its first byte nothing is waited for, and a paused worker sends no more.

Whoever finds out about a delivery counts from `sending`: what left later would stand there twice.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from django.utils import timezone

from conversations.models import Conversation, Delivery, JournalEntry
from conversations.services.delivery import LEAVES_WITHIN, Requeue, StartSending
from tests.translation.workers import Worker, working
from translation.services import RecordTranslation

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.State


def only() -> Delivery:
    return Delivery.objects.get()


def has(state: State) -> Any:
    return lambda: Delivery.objects.filter(state=state).exists()


def kinds() -> list[str]:
    entries = JournalEntry.objects.filter(kind__in=["translated", "sending", "requeued"])
    return list(entries.order_by("seq").values_list("kind", flat=True))


def due_now() -> None:
    Conversation.objects.update(work_at=timezone.now())


class Held:
    """The platform has asked everybody to wait; until `release`."""

    def __init__(self, worker: Worker) -> None:
        self._pace = worker.tools.rest._pace
        self._released = asyncio.Event()
        self._pace._sleep = self._wait
        self._pace.throttled(60)

    async def _wait(self, seconds: float) -> None:
        await self._released.wait()

    def release(self) -> None:
        self._pace._throttled_until = 0.0
        self._released.set()


async def test_nothing_is_sending_while_it_waits_for_its_turn(simulator):
    async with working(simulator) as worker:
        held = Held(worker)
        await worker.hear_guest("one", "two")
        await worker.until(has(State.QUEUED))
        await asyncio.sleep(0.3)

        assert await worker.crossing.call(has(State.SENDING)) is False
        assert worker.posts() == []

        held.release()
        await worker.until_idle()
        assert worker.posts() == ["EN one", "EN two"]
        found = await worker.crossing.call(kinds)
        # A machine that stalls behind a commit begins that one anew.
        assert found.count("sending") - found.count("requeued") == found.count("translated") == 2


async def test_a_429_meanwhile_makes_it_begin_anew(simulator):
    """Committed as sending, it finds that nobody may call: it is no longer sending."""
    async with working(simulator) as worker:
        held: list[Held] = []
        commit = worker.crossing.submit

        def submit(change: Any) -> Any:
            if isinstance(change, RecordTranslation) and not held:
                held.append(Held(worker))
            return commit(change)

        worker.crossing.submit = submit  # type: ignore[method-assign]
        await worker.hear_guest("one")
        await worker.until(lambda: "requeued" in kinds())
        assert (await worker.crossing.call(only)).state == State.QUEUED
        assert worker.entries("post") == []

        held[0].release()
        await worker.until_idle()
        assert worker.posts() == ["EN one"]
        assert (await worker.crossing.call(only)).attempts == 1


async def test_what_was_committed_too_long_ago_does_not_leave(simulator, monkeypatch):
    """The database took its time, or the process was paused behind the commit."""
    async with working(simulator) as worker:
        slow: list[Any] = []
        submit = worker.crossing.submit

        async def late(change: Any) -> Any:
            result = await submit(change)
            if isinstance(change, RecordTranslation | StartSending) and not slow:
                slow.append(timezone.now())
                await asyncio.sleep(LEAVES_WITHIN.total_seconds() + 0.1)
                assert worker.entries("post") == []
            return result

        monkeypatch.setattr(worker.crossing, "commit", late)
        await worker.hear_guest("one")
        await worker.until_idle()

        assert len(slow) == 1
        found = await worker.crossing.call(kinds)
        assert found[:3] == ["translated", "sending", "requeued"]
        assert found[-1] == "sending"
        delivery = await worker.crossing.call(only)
        assert (delivery.state, delivery.attempts) == (State.CONFIRMED, 1)
        assert worker.posts() == ["EN one"]
        assert delivery.sending_at is not None
        assert delivery.sending_at - slow[0] > LEAVES_WITHIN


async def test_a_worker_whose_lease_is_ending_sends_nothing_more(simulator, monkeypatch):
    """It was paused: when it wakes up, another has taken the conversation, or is about to."""
    async with working(simulator) as worker:
        submit = worker.crossing.submit
        requeues: list[Any] = []

        async def commit(change: Any) -> Any:
            result = await submit(change)
            if isinstance(change, RecordTranslation):
                [lane] = worker.drain._lanes.values()
                lane.lease_ends = time.monotonic() + 7.9  # a request may take 7 s
            if isinstance(change, Requeue):
                requeues.append(change)
                assert worker.entries("post") == []
                [lane] = worker.drain._lanes.values()
                lane.lease_ends = time.monotonic() + 15  # it was renewed
            return result

        monkeypatch.setattr(worker.crossing, "commit", commit)
        await worker.hear_guest("one")
        await worker.until_idle()

        assert requeues
        assert worker.posts() == ["EN one"]


async def test_attributes_are_not_written_past_the_lease(simulator, monkeypatch):
    """They replace what is there: late ones would take the place of newer ones."""
    async with working(simulator) as worker:
        held: list[Held] = []
        put = worker.tools.rest.put_attributes

        async def put_late(*args: Any, **more: Any) -> int:
            if not held:
                held.append(Held(worker))
                asyncio.get_running_loop().call_later(0.3, end_lease)
            return await put(*args, **more)

        def end_lease() -> None:
            for lane in worker.drain._lanes.values():
                lane.lease_ends = time.monotonic() + 7.9
            held[0].release()

        monkeypatch.setattr(worker.tools.rest, "put_attributes", put_late)
        await worker.hear_guest("one")
        free = Conversation.objects.filter(lease_owner="")
        await worker.until(lambda: held and free.exists())
        assert worker.posts() == ["EN one"]
        assert worker.entries("put") == []

        await worker.crossing.call(due_now)
        worker.drain.wake()
        await worker.until_idle()
        assert len(worker.puts()) == 1
