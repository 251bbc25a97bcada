"""A delivery whose fate is unknown is found out, never guessed and never sent again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.models import Conversation, Delivery, StreamState
from tests.translation.workers import Words, Worker, working
from translation.reconcile import _moments

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.State


def first() -> Delivery:
    found = Delivery.objects.order_by("message__seq").first()
    assert found is not None
    return found


def is_settled() -> bool:
    return Delivery.objects.exists() and first().state in (State.CONFIRMED, State.REVIEW)


async def outcome(worker: Worker, *, within_s: float = 20.0) -> Delivery:
    await worker.until(is_settled, within_s=within_s)
    return await worker.crossing.call(first)


def fault(simulator: Any, kind: str, **more: Any) -> None:
    simulator.world.faults.add({"where": "post", "kind": kind, **more})


@pytest.mark.parametrize("kind", ["reset_after", "5xx_after", "html", "truncated"])
async def test_what_was_applied_is_found_in_the_history(simulator, kind: str):
    fault(simulator, kind)
    async with working(simulator) as worker:
        await worker.hear_guest("one")

        delivery = await outcome(worker)
        await worker.until_idle()

        assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "history")
        assert delivery.external_id.startswith("msg-")
        assert worker.posts() == ["EN one"]
        assert [put["originalText"] for put in worker.puts()] == ["one"]


@pytest.mark.parametrize("kind", ["reset_before", "5xx_before", "408"])
async def test_what_nothing_shows_is_put_before_a_person_after_its_time(simulator, kind: str):
    fault(simulator, kind)
    async with working(simulator) as worker:
        await worker.hear_guest("one")

        delivery = await outcome(worker)
        await worker.until_idle()

        assert (delivery.state, delivery.attempts) == (State.REVIEW, 1)
        assert len(worker.entries("post")) == 1
        assert worker.puts() == []


def open_socket(**changes: Any) -> None:
    """The org socket has been open for long, and its gateway says so now and later."""
    now = timezone.now()
    row = {
        "state": "live",
        "connected_at": now - timedelta(minutes=5),
        "lease_until": now + timedelta(minutes=5),
        "updated_at": now + timedelta(minutes=1),
    }
    StreamState.objects.all().delete()
    StreamState.objects.create(kind="messaging", key="org")
    StreamState.objects.update(**(row | changes))


# The window is over after a second, two reads 2 s apart fit into the wait.
QUICK: dict[str, Any] = {"head_wait_s": 6.5, "reconcile_window_s": 1.0}
PATIENT = QUICK | {"head_wait_s": 11.0}  # they do so on a slow machine as well


async def test_what_two_reads_after_the_window_lack_is_sent_once_more(simulator):
    fault(simulator, "reset_before")
    async with working(simulator, **PATIENT) as worker:
        await worker.crossing.call(open_socket)
        await worker.hear_guest("one", "two")
        await worker.until_idle(within_s=30)

        delivery = await worker.crossing.call(first)
        assert (delivery.state, delivery.attempts) == (State.CONFIRMED, 2)
        assert worker.posts() == ["EN one", "EN two"]
        # Its time to leave, the window, two reads so far apart.
        assert delivery.sending_at - delivery.earlier_sending_at >= timedelta(seconds=4.5)
        assert len(worker.puts()) == 2


async def test_what_is_applied_late_within_the_window_is_not_sent_again(simulator):
    fault(simulator, "late_apply", after_s=0.9)
    async with working(simulator, **QUICK) as worker:
        await worker.crossing.call(open_socket)
        await worker.hear_guest("one")
        await worker.until_idle(within_s=25)

        assert (await worker.crossing.call(first)).state == State.CONFIRMED
        assert worker.posts() == ["EN one"]


@pytest.mark.parametrize(
    ("begun_s", "moments"),
    [
        (0.01, [1, 2, 4, 8, 9.55, 11.6, 12]),
        (9.6, [9.6, 11.65, 13.65, 15.65, 17.65]),
        (16.0, [16.0, 18.05, 20.05, 22.05, 24.05]),
    ],
)
def test_a_history_is_read_twice_after_the_window_however_late_it_begins(
    begun_s: float, moments: list[float]
):
    """And for half the wait more, while the org socket may be on its way back."""
    assert list(_moments(9.5, begun_s=begun_s, until_s=12.0)) == pytest.approx(moments)


async def test_it_is_sent_twice_at_most(simulator):
    fault(simulator, "reset_before", times=5)
    async with working(simulator, **PATIENT) as worker:
        await worker.crossing.call(open_socket)
        await worker.hear_guest("one")
        delivery = await outcome(worker, within_s=40)

        assert (delivery.state, delivery.attempts) == (State.REVIEW, 2)
        assert len(worker.entries("post")) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "waiting"},
        {"connected_at": None},
        {"updated_at": datetime(2024, 1, 1, tzinfo=UTC)},
        {"lease_until": datetime(2024, 1, 1, tzinfo=UTC)},
        {"connected_at": datetime(2099, 1, 1, tzinfo=UTC)},
    ],
    ids=["not live", "never connected", "unheard of since", "nobody's", "gap not filled"],
)
async def test_absence_is_not_believed_when_an_echo_may_have_been_missed(simulator, changes: Any):
    fault(simulator, "reset_before")
    async with working(simulator, **QUICK) as worker:
        await worker.crossing.call(lambda: open_socket(**changes))
        await worker.hear_guest("one")

        delivery = await outcome(worker, within_s=25)
        assert (delivery.state, delivery.attempts) == (State.REVIEW, 1)


@pytest.mark.parametrize(
    ("policy", "attempts"), [("no-duplicate", 1), ("manual", 1), ("prefer-delivery", 2)]
)
async def test_without_a_history_the_policy_decides(simulator, policy: Any, attempts: int):
    fault(simulator, "reset_before")
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator, **QUICK, policy=policy) as worker:
        await worker.crossing.call(open_socket)
        await worker.hear_guest("one")

        delivery = await outcome(worker, within_s=25)
        assert delivery.attempts == attempts
        assert (delivery.state == State.CONFIRMED) == (attempts == 2)


async def test_a_manual_policy_sends_nothing_again_by_itself(simulator):
    fault(simulator, "reset_before")
    async with working(simulator, **QUICK, policy="manual") as worker:
        await worker.crossing.call(open_socket)
        await worker.hear_guest("one")

        delivery = await outcome(worker, within_s=25)
        assert (delivery.state, delivery.attempts) == (State.REVIEW, 1)


async def test_later_messages_wait_and_then_go_on(simulator):
    fault(simulator, "reset_before", contains="one")
    async with working(simulator, head_wait_s=0.5) as worker:
        await worker.hear_guest("one", "two")
        await worker.until_idle()

        assert worker.posts() == ["EN two"]
        began = Delivery.objects.order_by("message__seq").values_list("sending_at", flat=True)
        lost, posted = await worker.crossing.call(lambda: list(began))
        assert posted - lost >= timedelta(seconds=0.5)


async def test_a_slow_history_does_not_lengthen_the_wait(simulator):
    fault(simulator, "reset_before", contains="one")
    async with working(simulator, head_wait_s=1.5, reconcile_window_s=0.1) as worker:
        reads: list[str] = []

        async def slow(external_id: str) -> None:
            reads.append(external_id)
            await asyncio.sleep(30)

        worker.tools.rest.conversation_messages = slow
        await worker.hear_guest("one", "two")
        await worker.until(worker.posts)

        assert worker.posts() == ["EN two"]
        assert len(reads) == 2  # one that the last moment ended, and the last
        delivery = await worker.crossing.call(first)
        assert (delivery.state, delivery.attempts) == (State.REVIEW, 1)


async def test_an_echo_decides_where_there_is_no_history(simulator):
    fault(simulator, "reset_after")
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator, head_wait_s=1.5) as worker:
        await worker.hear_guest("one")
        await worker.until(lambda: Delivery.objects.filter(state=State.AMBIGUOUS).exists())

        await worker.hear(simulator.world.conversation("conv-1").messages[-1])
        delivery = await outcome(worker)
        await worker.until_idle()

        assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "echo")
        assert len(worker.puts()) == 1


async def test_without_history_and_echo_it_is_reviewed(simulator):
    fault(simulator, "reset_after")
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator) as worker:
        await worker.hear_guest("one")

        assert (await outcome(worker)).state == State.REVIEW


async def test_a_late_echo_still_ends_a_review(simulator):
    fault(simulator, "reset_after")
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await outcome(worker)

        await worker.hear(simulator.world.conversation("conv-1").messages[-1])
        await worker.until(lambda: first().state == State.CONFIRMED)
        await worker.until_idle()

        assert len(worker.puts()) == 1


async def test_an_equal_text_that_was_delivered_before_is_no_proof(simulator):
    fault(simulator, "reset_before", nth=2)
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until_idle()

        await worker.hear_guest("one")
        await worker.until(lambda: Delivery.objects.filter(state=State.REVIEW).exists())

        assert worker.posts() == ["EN one"]


async def test_what_the_guest_said_word_for_word_is_no_proof(simulator):
    fault(simulator, "reset_before")
    words = Words(script={"EN one": "en"})
    async with working(simulator, translator=words) as worker:
        place = simulator.world.conversation("conv-1")
        spoken = simulator.world.say_as_guest(place, "EN one")
        await worker.hear(spoken)
        await worker.until_idle()

        await worker.hear_guest("one")
        await worker.until(lambda: Delivery.objects.filter(state=State.REVIEW).exists())


@pytest.mark.parametrize(("is_applied", "state"), [(True, State.CONFIRMED), (False, State.REVIEW)])
async def test_what_a_dead_worker_was_sending_is_found_out_about_and_not_sent_again(
    simulator, is_applied: bool, state: State
):
    async with working(simulator, owner="dead") as worker:
        fault(simulator, "slow", ms=15_000)
        await worker.hear_guest("one")
        await worker.until(simulator.world.faults.fired)  # it has arrived, and is not answered
        for task in worker.drain._tasks.values():
            task.cancel()
        simulator.world.faults.clear()
        if is_applied:
            place = simulator.world.conversation("conv-1")
            simulator.world.apply_post(
                {}, place, {"from": {"id": "guest-1", "type": "guest"}, "text": "EN one"}, None
            )
        worker.drain._stopping = True
        await worker.crossing.call(_let_the_lease_run_out)
    posts = len(simulator.world.ledger.entries(kinds=frozenset({"post"})))

    async with working(simulator, owner="heir") as heir:
        delivery = await outcome(heir)

        assert delivery.state == state
        assert len(heir.entries("post")) == posts


def _let_the_lease_run_out() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Conversation.objects.update(lease_until=past, lease_owner="dead", work_at=past)
