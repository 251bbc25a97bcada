"""C16: what is too long for the platform stands there in parts, all of it or said to be partial."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from conversations.models import DeadLetter, Delivery, JournalEntry, Message
from conversations.services.review import Decision, decide_deliveries
from tests.conversations import histories
from tests.simulators import simulator_server
from tests.translation.test_replies import REPLY, started
from tests.translation.workers import working

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.State
LONG = "The first sentence is here. The second one is here too. And the third is the last of all."
PARTS = ["EN The first sentence is here.", "The second one is here too.",
         "And the third is the last of all."]  # fmt: skip


@pytest.fixture
async def simulator() -> AsyncIterator[Any]:
    """A platform that refuses more than 40 characters at once."""
    server = simulator_server(text_limit=40)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def whole() -> Delivery:
    return Delivery.objects.get(part_of=None)


def is_in(state: State) -> Any:
    return lambda: Delivery.objects.filter(part_of=None, state=state).exists()


def echoes(simulator: Any) -> list[Any]:
    return simulator.world.conversation("conv-1").messages[1:]


def decide(decision: Decision) -> None:
    rows = Delivery.objects.filter(state="review").values_list("pk", "attempts")
    decide_deliveries(dict(rows), decision, user=histories.user("sam", "supervisor"))


async def test_it_stands_there_in_parts_and_the_next_message_waits(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest(LONG, "two")
        await worker.until_idle()

        assert worker.posts() == [*PARTS, "EN two"]
        assert [put["originalText"] for put in worker.puts()] == [LONG, "two"]
        rows = await worker.crossing.call(lambda: list(Delivery.objects.all()))
        assert [row.state for row in rows] == [State.CONFIRMED] * 4
        assert [row.part_of_id is None for row in rows].count(True) == 2
        # What was refused for its length reached nobody, and is counted for no sending.
        assert sorted(row.attempts for row in rows if row.part_of_id is None) == [1, 3]


async def test_no_echo_of_a_part_is_taken_for_the_guests_words(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest(LONG)
        await worker.until_idle()

        await worker.hear(*echoes(simulator))
        await worker.until_idle()

        assert worker.posts() == PARTS
        origins, awaited = await worker.crossing.call(_heard)
        assert origins == ["guest", "injected", "injected", "injected"]
        assert awaited == 0


def _heard() -> tuple[list[str], int]:
    origins = Message.objects.order_by("seq").values_list("origin", flat=True)
    return list(origins), Delivery.objects.filter(echoed_at=None).count()


async def test_an_echo_that_is_faster_than_the_answer_moves_on_to_the_next_part(simulator):
    rule = {"where": "post", "kind": "early_echo", "contains": "first", "ms": 600}
    simulator.world.faults.add(rule)
    async with working(simulator) as worker:
        await worker.hear_guest(LONG)
        await worker.until(lambda: len(echoes(simulator)) == 1)

        await worker.hear(echoes(simulator)[0])
        await worker.until_idle()

        assert worker.posts() == PARTS


async def test_an_echo_at_the_last_moment_of_a_wait_moves_on_to_the_next_part(simulator):
    simulator.world.faults.add({"where": "post", "kind": "reset_after", "contains": "first"})
    async with working(simulator) as worker:

        async def read(_external_id: str) -> None:
            await worker.hear(*echoes(simulator))

        worker.tools.rest.conversation_messages = read
        await worker.hear_guest(LONG)
        await worker.until(is_in(State.CONFIRMED))

        assert worker.posts() == PARTS


@pytest.mark.parametrize("contains", ["first", "second", "third"])
async def test_a_part_whose_answer_is_lost_is_found_out(simulator, contains: str):
    simulator.world.faults.add({"where": "post", "kind": "reset_after", "contains": contains})
    async with working(simulator, head_wait_s=3) as worker:
        await worker.hear_guest(LONG)
        await worker.until(lambda: JournalEntry.objects.filter(kind="ambiguous").exists())
        await worker.until_idle()

        assert worker.posts() == PARTS
        await worker.hear(*echoes(simulator))
        assert await worker.crossing.call(_heard) == (["guest", *["injected"] * 3], 0)


async def test_a_part_that_is_refused_leaves_the_delivery_marked_as_partial(simulator):
    simulator.world.faults.add({"where": "post", "kind": "400", "contains": "second"})
    async with working(simulator) as worker:
        await worker.hear_guest(LONG, "two")
        await worker.until_idle()

        assert worker.posts() == [PARTS[0], "EN two"]
        found = await worker.crossing.call(lambda: Delivery.objects.get(state=State.FAILED))
        assert found.reason.startswith("delivered in part: refused for good")
        assert found.part_from > 0
        letter = await worker.crossing.call(DeadLetter.objects.get)
        assert letter.http_status == 400


async def test_what_a_person_was_asked_about_goes_on_only_at_their_word(simulator):
    simulator.world.faults.add({"where": "post", "kind": "reset_after", "contains": "second"})
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator) as worker:
        await worker.hear_guest(LONG)
        await worker.until(is_in(State.REVIEW))
        await worker.until_idle()

        await worker.hear(echoes(simulator)[1])  # its second part is there
        await worker.until(lambda: whole().parts.count() == 2)
        await worker.until_idle()

        asked = await worker.crossing.call(whole)
        assert (asked.state, asked.reason[:17]) == (State.REVIEW, "delivered in part")
        assert worker.posts() == PARTS[:2]

        await worker.crossing.call(decide, Decision.SEND_AGAIN)
        await worker.until(is_in(State.CONFIRMED))
        await worker.until_idle()
        assert worker.posts() == PARTS


async def test_a_persons_word_that_a_part_is_there_sends_those_that_follow(simulator):
    simulator.world.faults.add({"where": "post", "kind": "reset_after", "contains": "first"})
    simulator.world.faults.add({"where": "history", "kind": "missing", "times": 50})
    async with working(simulator) as worker:
        await worker.hear_guest(LONG)
        await worker.until(is_in(State.REVIEW))
        await worker.until_idle()

        await worker.crossing.call(decide, Decision.IS_THERE)
        await worker.until(is_in(State.CONFIRMED))
        await worker.until_idle()

        assert worker.posts() == PARTS


async def test_a_platform_that_refuses_any_length_is_not_asked_for_ever(simulator):
    simulator.world.faults.add({"where": "post", "kind": "413", "times": 50})
    async with working(simulator) as worker:
        await worker.hear_guest(LONG)
        await worker.until(is_in(State.FAILED))

        assert worker.posts() == []
        assert len(worker.entries("post")) < 6


async def test_a_reply_to_the_guest_is_split_as_well(simulator):
    await started(simulator, replace(REPLY, text=LONG))
    async with working(simulator) as worker:
        await worker.until_idle()

        posted = [one for one in worker.entries("post") if one["applied"]][1:]
        assert len(posted) > 1
        assert {one["from"]["type"] for one in posted} == {"agent"}
        assert " ".join(one["text"] for one in posted) == f"es {LONG}"
