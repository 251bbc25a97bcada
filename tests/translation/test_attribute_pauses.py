"""Attributes that cannot be written are tried again ever less often, and cost no message a turn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Conversation
from conversations.services.leases import LEASE_S
from tests.conversations.services.wire import apply, recorded
from tests.translation.workers import Worker, working
from translation.attribute_pauses import LONGEST_S, PROBE_S, AttributePauses
from translation.services import PutOffAttributes


def test_one_conversation_waits_longer_after_each_failure_until_one_is_written() -> None:
    pauses = AttributePauses()

    assert [pauses.failed(1) for _ in range(8)] == [5, 10, 20, 40, 80, 160, LONGEST_S, LONGEST_S]
    assert pauses.failed(2) == 5
    pauses.written(1)
    assert pauses.failed(1) == 5
    assert pauses.wait_s(now=0.0) == 0


def test_a_missing_scope_stops_all_of_them_but_for_one_probe() -> None:
    pauses = AttributePauses(random=lambda: 0.0)

    assert pauses.refused(now=0.0) == PROBE_S
    assert pauses.wait_s(now=PROBE_S - 10) == 10
    assert pauses.wait_s(now=PROBE_S) == 0  # the probe
    assert pauses.wait_s(now=PROBE_S + 1) == PROBE_S - 1
    pauses.written(1)
    assert pauses.wait_s(now=PROBE_S + 2) == 0


def _are_put_off(count: int) -> bool:
    later = timezone.now() + timedelta(seconds=PROBE_S / 2)
    return Conversation.objects.filter(lease_owner="", work_at__gt=later).count() == count


def _due_now() -> None:
    Conversation.objects.update(work_at=timezone.now())


@pytest.mark.django_db(transaction=True)
async def test_a_missing_scope_is_asked_about_once_and_holds_up_no_message(simulator):
    simulator.world.faults.add({"where": "put", "kind": "403", "times": 1000})
    async with working(simulator) as worker:
        await worker.hear_guest("one", conversation="a")
        await worker.until(lambda: _are_put_off(1))
        for conversation in ("b", "c", "d"):
            await worker.hear_guest("one", conversation=conversation)
        await worker.until(lambda: _are_put_off(4))
        await worker.crossing.call(_due_now)
        await worker.until(lambda: _are_put_off(4))

        await worker.hear_guest("two", conversation="a")
        await worker.until(lambda: len(worker.posts("a")) == 2)
        await worker.until(lambda: _are_put_off(4))
        assert len(worker.entries("put")) == 1

        simulator.world.faults.clear()
        worker.tools.attribute_pauses._refused_until = worker.tools.monotonic()
        await _written_in_the_end(worker)


async def _written_in_the_end(worker: Worker) -> None:
    """The probe is the first, the others follow when they are due."""
    await worker.crossing.call(
        lambda: Conversation.objects.filter(external_id="a").update(work_at=timezone.now())
    )
    await worker.until(lambda: len(worker.puts()) == 2)
    await worker.crossing.call(_due_now)
    await worker.until_idle()
    assert len(worker.puts()) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("has_news", [False, True])
def test_what_came_meanwhile_is_due_at_once(has_news: bool):
    message = recorded()
    conversation = Conversation.objects.get()
    now = timezone.now()
    seen = None if has_news else conversation.work_at
    Conversation.objects.update(
        lease_owner="worker-1", lease_until=now + timedelta(seconds=LEASE_S)
    )

    apply(PutOffAttributes(message.conversation_id, "worker-1", seen, now + timedelta(minutes=5)))

    row = Conversation.objects.get()
    assert row.lease_owner == ""
    assert (row.work_at <= timezone.now()) == has_news
