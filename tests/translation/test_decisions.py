"""What a person decided is done by a worker, at once and however old it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.models import DeadLetter, Delivery, Message
from conversations.services.dead_letters import replay_dead_letters
from conversations.services.review import Decision, decide_deliveries
from tests.conversations import histories
from tests.translation.workers import Words, Worker, working
from translation.exceptions import TextRefused

pytestmark = pytest.mark.django_db(transaction=True)


def grow_old() -> None:
    long_ago = timezone.now() - timedelta(hours=5)
    Message.objects.update(received_at=long_ago, sent_at=long_ago)


def decide(decision: Decision) -> None:
    seen = dict(Delivery.objects.filter(state="review").values_list("pk", "attempts"))
    decide_deliveries(seen, decision, user=histories.user("sam", "supervisor"))


def replay() -> None:
    ids = list(DeadLetter.objects.values_list("pk", flat=True))
    replay_dead_letters(ids, user=histories.user("sam", "supervisor"))


async def put_under_review(worker: Worker, simulator: Any, kind: str) -> None:
    simulator.world.faults.add({"where": "post", "kind": kind})
    await worker.hear_guest("one")
    await worker.until(lambda: Delivery.objects.filter(state="review").exists())
    await worker.until_idle()
    await worker.crossing.call(grow_old)


async def test_what_is_sent_again_stands_there_once(simulator):
    async with working(simulator) as worker:
        await put_under_review(worker, simulator, "reset_before")

        await worker.crossing.call(decide, Decision.SEND_AGAIN)
        await worker.until_idle()

        assert worker.posts() == ["EN one"]
        assert [put["originalText"] for put in worker.puts()] == ["one"]
        (entry,) = worker.entries("post")[1:]
        assert entry["text"] == "EN one"


async def test_what_is_there_gets_its_attributes_and_is_not_sent(simulator):
    async with working(simulator) as worker:
        await put_under_review(worker, simulator, "reset_before")

        await worker.crossing.call(decide, Decision.IS_THERE)
        await worker.until_idle()

        assert worker.posts() == []
        assert [put["originalText"] for put in worker.puts()] == ["one"]


async def test_it_is_sent_again_while_the_conversation_goes_on(simulator):
    async with working(simulator, translator=Words(random_s=0.05)) as worker:
        await put_under_review(worker, simulator, "reset_before")

        await worker.hear_guest(*(f"{number}" for number in range(10)))
        await worker.crossing.call(decide, Decision.SEND_AGAIN)
        await worker.hear_guest(*(f"{number}" for number in range(10, 20)))
        await worker.until_idle(within_s=15)

        posts = worker.posts()
        assert posts.count("EN one") == 1
        assert [text for text in posts if text != "EN one"] == [f"EN {n}" for n in range(20)]


async def test_a_replayed_translation_is_made_and_delivered(simulator):
    words = Words(script={"one": TextRefused("status 400")})
    async with working(simulator, translator=words) as worker:
        await worker.hear_guest("one")
        await worker.until(DeadLetter.objects.exists)
        await worker.until_idle()
        await worker.crossing.call(grow_old)
        words.script.clear()

        await worker.crossing.call(replay)
        await worker.until_idle()

        assert worker.posts() == ["EN one"]


@pytest.mark.parametrize("where", ["post", "put"])
async def test_a_replayed_delivery_or_put_is_asked_once_more(simulator, where: str):
    simulator.world.faults.add({"where": where, "kind": "400"})
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until(DeadLetter.objects.exists)
        await worker.until_idle()
        await worker.crossing.call(grow_old)

        await worker.crossing.call(replay)
        await worker.until_idle()

        assert worker.posts() == ["EN one"]
        assert [put["originalText"] for put in worker.puts()] == ["one"]
