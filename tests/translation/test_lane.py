"""One conversation's work: in order, side by side, and never twice (protocol §1)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversations.genesys.exceptions import Unavailable
from conversations.models import AttributeAudit, Conversation, DeadLetter, Delivery, Message
from conversations.services.erasing import erase_messages
from conversations.services.journal import Ledger
from tests.translation.workers import Words, Worker, holding, working
from translation import attribute_writer
from translation.exceptions import ProviderThrottled, ProviderUnavailable, TextRefused

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.State


def states() -> list[str]:
    return list(Delivery.objects.order_by("message__seq").values_list("state", flat=True))


def has(state: State) -> Any:
    return lambda: Delivery.objects.filter(state=state).exists()


async def all_states(worker: Worker) -> list[str]:
    return await worker.crossing.call(states)


def due_now() -> None:
    Conversation.objects.update(work_at=timezone.now())


async def test_a_guests_message_is_delivered_and_its_original_kept_in_the_attributes(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest("Hola")
        await worker.until_idle()

        assert worker.posts() == ["EN Hola"]
        (attributes,) = worker.puts()
        assert attributes["originalLanguage"] == "ES"
        assert attributes["originalText"] == "Hola"
        assert attributes["translationTimestamp"].endswith("Z")
        (post,) = worker.entries("post")
        assert post["from"]["type"] == "guest"


async def test_deliveries_keep_the_guests_order_whatever_the_translations_take(simulator):
    async with working(simulator, translator=Words(random_s=0.08)) as worker:
        for start in range(0, 40, 8):
            await worker.hear_guest(*(f"{number}" for number in range(start, start + 8)))
        await worker.until_idle(within_s=15)

        expected = [f"EN {number}" for number in range(40)]
        assert worker.posts() == expected
        assert [put["originalText"] for put in worker.puts()] == [
            text.removeprefix("EN ") for text in expected
        ]


async def test_what_comes_late_from_the_history_goes_before_what_was_said_after_it(simulator):
    async with working(simulator) as worker:
        answered = holding(worker, "post_message")
        place = simulator.world.conversation("conv-1")
        first, second, third = [await _said_at_its_own_moment(simulator, place, n) for n in "123"]
        await worker.hear(first)
        await worker.until(has(State.SENDING))
        await worker.hear(third)
        await worker.until(has(State.QUEUED))

        await worker.hear(second, backfilled=True)
        answered.set()
        await worker.until_idle()

        assert worker.posts() == ["EN 1", "EN 2", "EN 3"]
        assert [put["originalText"] for put in worker.puts()] == ["1", "2", "3"]


async def _said_at_its_own_moment(simulator: Any, place: Any, text: str) -> Any:
    await asyncio.sleep(0.005)  # the platform's times have milliseconds
    return simulator.world.say_as_guest(place, text)


def _is_put_back() -> bool:
    later = timezone.now() + timedelta(seconds=1)
    return Conversation.objects.filter(lease_owner="", work_at__gt=later).exists()


async def test_conversations_do_not_wait_for_each_other(simulator):
    async with working(simulator) as worker:
        answered = holding(worker, "post_message", conversation="a")
        await worker.hear_guest("slow", conversation="a")
        await worker.hear_guest("quick", conversation="b")
        await worker.until(lambda: Delivery.objects.filter(state="confirmed").exists())

        confirmed = Delivery.objects.filter(state="confirmed")
        names = confirmed.values_list("conversation__external_id", flat=True)
        assert await worker.crossing.call(lambda: list(names)) == ["b"]
        answered.set()
        await worker.until_idle()


async def test_a_slow_attributes_put_does_not_hold_up_the_next_post(simulator):
    async with working(simulator) as worker:
        answered = holding(worker, "put_attributes")
        await worker.hear_guest("one", "two", "three")
        await worker.until(lambda: len(worker.posts()) == 3 and worker.puts())

        assert len(worker.puts()) == 1
        answered.set()
        await worker.until_idle()
        assert [put["originalText"] for put in worker.puts()] == ["one", "two", "three"]


async def test_a_slow_attributes_put_does_not_hold_up_what_comes_meanwhile(simulator):
    async with working(simulator) as worker:
        answered = holding(worker, "put_attributes")
        await worker.hear_guest("one")
        await worker.until(worker.puts)
        await worker.hear_guest("two")
        await worker.until(lambda: len(worker.posts()) == 2)

        assert len(worker.puts()) == 1
        answered.set()
        await worker.until_idle()
        assert [put["originalText"] for put in worker.puts()] == ["one", "two"]


async def test_attributes_that_fail_do_not_put_back_what_came_meanwhile(simulator):
    async with working(simulator) as worker:
        honest, answered = worker.tools.rest.put_attributes, asyncio.Event()

        async def fails(*_args: Any, **_more: Any) -> int:
            await answered.wait()
            raise Unavailable("status 503")

        worker.tools.rest.put_attributes = fails
        await worker.hear_guest("one")
        await worker.until(has(State.CONFIRMED))
        posted = holding(worker, "post_message")
        await worker.hear_guest("two")
        await worker.until(lambda: len(worker.posts()) == 2)
        answered.set()
        await asyncio.sleep(0)
        posted.set()
        await worker.until(_is_put_back)

        assert await all_states(worker) == [State.CONFIRMED, State.CONFIRMED]
        worker.tools.rest.put_attributes = honest
        await worker.crossing.call(due_now)
        await worker.until_idle()
        assert worker.posts() == ["EN one", "EN two"]
        assert [put["originalText"] for put in worker.puts()] == ["one", "two"]


async def test_what_is_in_the_agents_language_is_passed_through_in_its_place(simulator):
    async with working(simulator, translator=Words(script={"Hello": "en"})) as worker:
        await worker.hear_guest("Hola", "Hello", "Adiós")
        await worker.until_idle()

        assert worker.posts() == ["EN Hola", "EN Adiós"]
        assert (
            await worker.crossing.call(
                lambda: Message.objects.filter(translation_state="passed_through").count()
            )
            == 1
        )


async def test_a_text_that_no_provider_takes_lets_the_next_one_pass(simulator):
    refused = TextRefused("not supported")
    async with working(simulator, translator=Words(script={"???": refused})) as worker:
        await worker.hear_guest("???", "Hola")
        await worker.until_idle()

        assert worker.posts() == ["EN Hola"]
        letter = await worker.crossing.call(DeadLetter.objects.get)
        assert letter.kind == "translation"


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), ProviderThrottled(3.0)])
async def test_a_provider_in_trouble_loses_nothing_and_is_asked_again_later(
    simulator, error: Exception
):
    words = Words(script={"Hola": error})
    async with working(simulator, translator=words) as worker:
        await worker.hear_guest("Hola", "Adiós")
        await worker.until(_is_put_back)
        again_at = (await worker.crossing.call(Conversation.objects.get)).work_at
        assert again_at is not None
        assert again_at > timezone.now() + timedelta(seconds=1)
        assert worker.posts() == []

        words.script.clear()
        await worker.crossing.call(due_now)
        await worker.until_idle()

        assert worker.posts() == ["EN Hola", "EN Adiós"]


async def _waits_past_its_time(worker: Worker, text: str) -> None:
    """`text` waits for its translation, another for it, and it grows older than DELIVERY_TTL_S."""
    await worker.hear_guest(text)
    await worker.until(_is_put_back)
    assert await worker.crossing.call(Message.objects.awaiting_translation().count) == 1
    past = timezone.now() - timedelta(seconds=600)
    await worker.crossing.call(lambda: Message.objects.update(received_at=past))
    await worker.hear_guest("two")


async def test_a_text_that_the_provider_fails_over_lets_the_next_one_pass_in_the_end(simulator):
    fails = ProviderUnavailable("status 500", reached=True, answers_others=True)
    async with working(simulator, translator=Words(script={"bad": fails})) as worker:
        await _waits_past_its_time(worker, "bad")
        await worker.until_idle()

        assert worker.posts() == ["EN two"]
        letter = await worker.crossing.call(DeadLetter.objects.get)
        assert letter.kind == "translation"
        assert "answers others" in letter.reason


async def test_no_outage_of_the_provider_gives_up_a_message_however_long_it_is(simulator):
    words = Words(script={"one": ProviderUnavailable("status 500", reached=True)})
    async with working(simulator, translator=words) as worker:
        await _waits_past_its_time(worker, "one")
        await worker.until(lambda: words.asked.count("one") >= 2 and _is_put_back())

        assert worker.posts() == []
        assert await worker.crossing.call(DeadLetter.objects.count) == 0


@pytest.mark.parametrize("kind", ["429", "403"])
async def test_what_was_surely_not_delivered_goes_back_into_its_place(simulator, kind: str):
    simulator.world.faults.add({"where": "post", "kind": kind, "times": 3})
    async with working(simulator) as worker:
        await worker.hear_guest("one", "two")
        await worker.until(_is_put_back)
        assert await all_states(worker) == [State.QUEUED, State.QUEUED]

        simulator.world.faults.clear()
        await worker.crossing.call(due_now)
        await worker.until_idle()

        assert worker.posts() == ["EN one", "EN two"]


@pytest.mark.parametrize("kind", ["400", "404", "413"])
async def test_a_refusal_for_good_is_a_dead_letter_and_the_next_one_goes_on(simulator, kind: str):
    simulator.world.faults.add({"where": "post", "kind": kind, "contains": "one"})
    async with working(simulator) as worker:
        await worker.hear_guest("one", "two")
        await worker.until_idle()

        assert await all_states(worker) == [State.FAILED, State.CONFIRMED]
        letter = await worker.crossing.call(DeadLetter.objects.get)
        assert (letter.kind, letter.http_status) == ("delivery", int(kind))


@pytest.mark.parametrize("kind", ["404", "413"])
async def test_what_a_token_endpoint_answers_is_no_answer_to_the_delivery(simulator, kind: str):
    async with working(simulator) as worker:
        worker.world.tokens.revoke_all()
        worker.world.faults.add({"where": "token", "kind": kind, "times": 3})
        await worker.hear_guest("one")
        await worker.until(_is_put_back)
        assert await all_states(worker) == [State.QUEUED]
        assert worker.posts() == []

        worker.world.faults.clear()
        await worker.crossing.call(due_now)
        await worker.until_idle()

        assert worker.posts() == ["EN one"]
        assert not await worker.crossing.call(DeadLetter.objects.exists)


async def test_attributes_that_are_refused_are_audited_and_change_no_delivery(simulator):
    simulator.world.faults.add({"where": "put", "kind": "400"})
    async with working(simulator) as worker:
        await worker.hear_guest("one", "two")
        await worker.until_idle()

        assert await all_states(worker) == [State.CONFIRMED, State.CONFIRMED]
        statuses = await worker.crossing.call(
            lambda: list(AttributeAudit.objects.order_by("pk").values_list("status", flat=True))
        )
        assert statuses == ["failed", "written"]


async def test_attributes_that_could_not_be_written_are_written_later_and_once(simulator):
    simulator.world.faults.add({"where": "put", "kind": "503", "times": 3})
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until(_is_put_back)
        assert worker.puts() == []

        await worker.crossing.call(due_now)
        await worker.until_idle()

        assert [put["originalText"] for put in worker.puts()] == ["one"]
        assert worker.posts() == ["EN one"]
        assert await worker.crossing.call(AttributeAudit.objects.count) == 1


async def test_attributes_of_what_was_erased_while_they_waited_are_not_written(
    simulator, monkeypatch
):
    monkeypatch.setattr(attribute_writer, "_FRESH_S", 0.0)
    async with working(simulator) as worker:
        answered = holding(worker, "put_attributes")
        await worker.hear_guest("one", "two", "three")
        await worker.until(lambda: states() == [State.CONFIRMED] * 3 and worker.puts())
        await worker.crossing.call(_erase_the_second)
        answered.set()
        await worker.until_idle()

        assert [put["originalText"] for put in worker.puts()] == ["one", "three"]


def _erase_the_second() -> None:
    message = Message.objects.order_by("seq")[1]
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update().get()
        erasing = Ledger(actor="test", now=timezone.now())
        erase_messages(erasing, {conversation.pk: conversation}, [message], facts={}, each=True)
        erasing.flush()


async def test_a_revoked_token_is_renewed_and_the_post_repeated_once(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until_idle()
        simulator.world.tokens.revoke_all()

        await worker.hear_guest("two")
        await worker.until_idle()

        assert worker.posts() == ["EN one", "EN two"]
        assert len(simulator.world.ledger.entries(kinds=frozenset({"token"}))) == 2


async def test_a_lane_that_was_taken_over_writes_nothing_more(simulator):
    async with working(simulator) as worker:
        answered = holding(worker, "post_message")
        await worker.hear_guest("one", "two")
        await worker.until(worker.posts)
        await worker.crossing.call(
            lambda: Conversation.objects.update(
                lease_owner="worker-2", lease_until=timezone.now() + timedelta(seconds=60)
            )
        )
        answered.set()
        while worker.drain._lanes:
            await worker.crossing.call(lambda: None)

        assert (await all_states(worker))[0] == State.SENDING
        assert worker.posts() == ["EN one"]
