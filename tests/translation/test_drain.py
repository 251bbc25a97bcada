"""The drain finds its work in the rows, shares it with others, and survives what they do."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conversations.genesys.protocols.messages import event_of
from conversations.models import Conversation, DeadLetter, Delivery, Message
from conversations.processes import process_name
from conversations.services.recording import record_events
from tests.conversations.locking import locked_out
from tests.dead_process import dead_process
from tests.translation.fakes import FakeProvider
from tests.translation.workers import Words, Worker, working
from translation import drain as drain_module
from translation.batching import Batcher, BatchResult
from translation.exceptions import ProviderUnavailable, QuotaExceeded
from translation.models import ProviderState
from translation.work import SUSPECT_DEATHS

pytestmark = pytest.mark.django_db(transaction=True)


async def test_without_any_wake_up_the_sweep_finds_the_rows(simulator):
    async with working(simulator) as worker:
        await asyncio.sleep(0.1)
        place = simulator.world.conversation("conv-1")
        said = event_of(simulator.world.say_as_guest(place, "Hola"))
        await worker.crossing.call(lambda: record_events([said], stream="messaging"))

        await worker.until(lambda: Delivery.objects.filter(state="confirmed").exists())


async def test_a_mark_without_work_is_taken_down_while_the_conversation_is_kept(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest("Hola")
        await worker.until_idle()
        assert (await worker.crossing.call(Conversation.objects.get)).lease_owner == "worker-1"

        await worker.crossing.call(lambda: Conversation.objects.update(work_at=timezone.now()))
        await worker.until_idle()


async def test_a_conversation_without_work_is_given_back_after_a_while(simulator, monkeypatch):
    monkeypatch.setattr(drain_module, "LINGER_S", 0.2)
    monkeypatch.setattr(drain_module, "_RENEW_S", 0.1)
    async with working(simulator) as worker:
        await worker.hear_guest("Hola")
        await worker.until_idle()

        await worker.until(lambda: Conversation.objects.filter(lease_owner="").exists())


async def test_two_workers_share_the_conversations_and_nothing_is_sent_twice(simulator):
    async with (
        working(simulator, owner="one", translator=Words(random_s=0.05)) as one,
        working(simulator, owner="two", translator=Words(random_s=0.05)) as two,
    ):
        for start in range(3):
            for number in range(6):
                texts = [f"{number}-{start}-{step}" for step in range(3)]
                await one.hear_guest(*texts, conversation=f"conv-{number}")
            two.drain.wake()
        await one.until_idle(within_s=20)

        for number in range(6):
            expected = [f"EN {number}-{start}-{step}" for start in range(3) for step in range(3)]
            assert one.posts(f"conv-{number}") == expected
            assert len(one.puts(f"conv-{number}")) == 9


async def test_a_worker_where_deliveries_wait_for_a_turn_leaves_new_ones_to_others(
    simulator, monkeypatch
):
    monkeypatch.setattr(drain_module, "_PATIENCE", timedelta(seconds=30))
    async with working(simulator, owner="one") as one, working(simulator, owner="two") as two:
        while await one.tools.rest.turn_at_once():
            pass
        waiting = [asyncio.create_task(one.tools.rest.turn()) for _ in range(4)]
        await asyncio.sleep(0)

        for number in range(4):
            await one.hear_guest("Hola", conversation=f"conv-{number}")
            await asyncio.sleep(0.05)  # the other one looks each 10 ms only while it works
            two.drain.wake()
        await two.until_idle()

        owners = await one.crossing.call(
            lambda: set(Conversation.objects.values_list("lease_owner", flat=True))
        )
        assert owners == {"two"}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert one.tools.rest.waiting == 0


async def test_a_worker_alone_takes_what_nobody_else_took(simulator):
    async with working(simulator) as worker:
        while await worker.tools.rest.turn_at_once():
            pass
        waiting = [asyncio.create_task(worker.tools.rest.turn()) for _ in range(4)]
        await worker.hear_guest("Hola")

        await worker.until(lambda: Conversation.objects.filter(lease_owner="worker-1").exists())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        worker.tools.rest.end_turn()
        await worker.until_idle()


async def test_messages_that_come_while_a_lane_works_are_taken_in(simulator):
    async with working(simulator, translator=Words(random_s=0.01)) as worker:
        for number in range(20):
            await worker.hear_guest(f"{number}")
            await asyncio.sleep(0.005)
        await worker.until_idle()

        assert worker.posts() == [f"EN {number}" for number in range(20)]


async def test_a_stopped_drain_ends_its_step_and_gives_the_rest_back(simulator):
    simulator.world.faults.add({"where": "post", "kind": "slow", "ms": 300})
    async with working(simulator, owner="one") as worker:
        await worker.hear_guest("1", "2", "3")
        await worker.until(lambda: Delivery.objects.filter(state="sending").exists())
        await worker.drain.stop()

        conversation = await worker.crossing.call(Conversation.objects.get)
        assert worker.posts() == ["EN 1"]
        assert conversation.lease_owner == ""
        assert conversation.work_at is not None
        assert conversation.work_at <= timezone.now()

    async with working(simulator, owner="two") as heir:
        await heir.until_idle()
        assert heir.posts() == ["EN 1", "EN 2", "EN 3"]


async def test_a_drain_that_is_stopped_while_it_claims_keeps_no_conversation(simulator):
    def hear_elsewhere() -> None:
        """As a gateway does."""
        said = event_of(simulator.world.say_as_guest(place, "Hola"))
        record_events([said], stream="messaging")
        connection.close()

    async with working(simulator, owner="one") as worker:
        place = simulator.world.conversation("conv-1")
        async with worker.drain._looking:
            await asyncio.to_thread(hear_elsewhere)
            heard = await worker.crossing.call(Conversation.objects.get)
            later = time.monotonic() + 60  # the next thing it does is to look
            worker.drain._renew_at = worker.drain._bury_at = later
            worker.drain.wake()
        while not worker.drain._looking.locked():
            await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - it claims, but this loop has not yet heard of it
        await worker.drain.stop()

        conversation = await worker.crossing.call(Conversation.objects.get)
        assert conversation.lease_owner == ""
        assert conversation.work_at > heard.work_at  # it was claimed, and given back


async def test_the_work_of_a_dead_worker_is_taken_over_when_its_lease_ends(simulator):
    async with working(simulator, owner="heir") as worker:
        await worker.crossing.call(
            lambda: Conversation.objects.create(
                external_id="conv-1",
                created_at=timezone.now(),
                last_event_at=timezone.now(),
                lease_owner="dead",
                lease_until=timezone.now() + timedelta(seconds=0.5),
            )
        )
        await worker.hear_guest("Hola")
        assert worker.posts() == []

        await worker.until_idle()

        assert worker.posts() == ["EN Hola"]


async def test_nobody_waits_for_the_lease_of_a_worker_that_is_certainly_dead(simulator):
    async with working(simulator, owner="heir") as worker:
        await worker.crossing.call(_held_for_a_minute, dead_process())
        await worker.hear_guest("Hola", "¿Está ahí?")

        await worker.until_idle(within_s=10)

        assert worker.posts() == ["EN Hola", "EN ¿Está ahí?"]
        attempts = Message.objects.order_by("seq").values_list("translation_attempts", flat=True)
        # One death, of which the first message is the suspect.
        assert await worker.crossing.call(lambda: list(attempts)) == [1, 0]


async def test_the_lease_of_a_worker_that_may_live_is_waited_for(simulator):
    async with working(simulator, owner="heir") as worker:
        await worker.crossing.call(_held_for_a_minute, process_name())
        await worker.hear_guest("Hola")

        await asyncio.sleep(drain_module.SWEEP_S * 2.5)

        assert worker.posts() == []


async def test_a_database_that_is_away_for_a_while_ends_nothing(simulator):
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until_idle()

        async with locked_out(worker.crossing.call, wait_ms=50):
            await asyncio.sleep(0.3)
        await worker.hear_guest("two")
        await worker.until_idle()

        assert worker.posts() == ["EN one", "EN two"]


async def test_a_spent_quota_is_shown_and_the_operators_word_goes_on(simulator):
    provider = FakeProvider(QuotaExceeded())
    async with working(
        simulator,
        batcher=(batcher := Batcher(provider, target="EN-US")),
        translator=batcher,
    ) as worker:
        await worker.hear_guest("Hola")
        await worker.until(lambda: ProviderState.objects.filter(state="quota").exists())
        later = timezone.now() + timedelta(seconds=1)
        await worker.until(lambda: Conversation.objects.filter(work_at__gt=later).exists())
        assert worker.posts() == []

        await worker.crossing.call(_reopen)
        await worker.until(lambda: ProviderState.objects.filter(state="ok").exists())
        await worker.crossing.call(lambda: Conversation.objects.update(work_at=timezone.now()))
        await worker.until_idle()

        assert worker.posts() == ["HOLA"]


def _reopen() -> None:
    ProviderState.objects.update(reopened_at=timezone.now())


def _as_if_its_worker_had_died() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Conversation.objects.update(lease_owner="dead", lease_until=past, work_at=past)


async def test_a_message_that_kills_its_worker_is_set_aside_after_three(simulator):
    """Counted in the database before the work, or nobody would know (reliability B12)."""
    deaths = 3
    async with working(simulator, owner="one", translator=Words(random_s=60)) as worker:
        await worker.hear_guest("poison", "Hola")
        for death in range(deaths):
            await worker.until(lambda: _held_by("one") == 1)
            async with worker.drain._looking:
                tasks = list(worker.drain._tasks.values())
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                worker.drain._stopping = death == deaths - 1
                await worker.crossing.call(_as_if_its_worker_had_died)
            worker.drain.wake()

    async with working(simulator, owner="heir") as heir:
        await heir.until_idle()

        assert heir.posts() == ["EN Hola"]
        letter = await heir.crossing.call(DeadLetter.objects.get)
        assert letter.kind == "translation"
        assert "died" in letter.reason


async def test_what_was_in_hand_beside_it_each_time_is_not_set_aside_with_it(simulator):
    innocent = [f"{number}" for number in range(5)]
    texts = [*innocent[:2], "poison", *innocent[2:]]
    for death in range(SUSPECT_DEATHS):
        async with working(simulator, owner=f"{death}", translator=Hanging(*texts)) as worker:
            if not death:
                for text in texts:
                    await worker.hear_guest(text, conversation=text)
            await worker.until(lambda: _held_by(f"{death}") == len(texts))  # noqa: B023
            await _die(worker)

    async with working(simulator, owner="two", translator=Hanging("poison")) as worker:
        await worker.until(lambda: _has_begun_alone("poison"))
        # The others' translations wait for it; what was translated before it is delivered.
        await worker.until(lambda: not Delivery.objects.exclude(state="confirmed").exists())
        await _die(worker)

    async with working(simulator, owner="heir") as heir:
        await heir.until_idle()

        assert sorted(heir.posts()) == [f"EN {text}" for text in innocent]
        letters = await heir.crossing.call(
            lambda: list(DeadLetter.objects.values_list("message__texts__text", flat=True))
        )
        assert letters == ["poison"]


async def test_a_suspect_that_was_put_back_is_tried_again(simulator):
    async with working(simulator, translator=Words(random_s=60)) as worker:
        await worker.hear_guest("Hola")
        await worker.crossing.call(
            lambda: Message.objects.update(translation_attempts=SUSPECT_DEATHS)
        )
    script = {"Hola": ProviderUnavailable("away")}
    async with working(simulator, translator=(words := Words(script=script))) as worker:
        await worker.until(lambda: _has_begun_alone("Hola"))
        words.script.clear()
        await worker.until(lambda: Conversation.objects.filter(lease_owner="").exists())
        await worker.crossing.call(lambda: Conversation.objects.update(work_at=timezone.now()))
        await worker.until_idle()

        assert worker.posts() == ["EN Hola"]


class Hanging(Words):
    """Some texts never come back: as if the worker died of them."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = texts

    async def translate(self, text: str, **kwargs: Any) -> BatchResult:
        if text in self._texts:
            await asyncio.Event().wait()
        return await super().translate(text, **kwargs)


async def _die(worker: Worker) -> None:
    worker.drain._stopping = True
    for task in list(worker.drain._tasks.values()):
        task.cancel()
    await asyncio.sleep(0.05)
    await worker.crossing.call(_as_if_its_worker_had_died)


def _held_by(owner: str) -> int:
    return Conversation.objects.filter(lease_owner=owner).count()


def _has_begun_alone(text: str) -> bool:
    begun = Message.objects.filter(translation_attempts__gt=SUSPECT_DEATHS)
    return begun.filter(texts__text=text).exists()


async def test_one_death_costs_a_message_nothing(simulator):
    async with working(simulator, owner="one", translator=Words(random_s=60)) as worker:
        await worker.hear_guest("Hola", "Adiós")
        await worker.until(lambda: Conversation.objects.filter(lease_owner="one").exists())
        for lane in list(worker.drain._lanes):
            worker.drain._tasks[lane].cancel()
        worker.drain._stopping = True
        await worker.crossing.call(_as_if_its_worker_had_died)

    async with working(simulator, owner="heir") as heir:
        await heir.until_idle()

        assert heir.posts() == ["EN Hola", "EN Adiós"]
        attempts = Message.objects.order_by("seq").values_list("translation_attempts", flat=True)
        assert (await heir.crossing.call(lambda: list(attempts)))[:2] == [1, 0]


def _held_for_a_minute(owner: str) -> None:
    now = timezone.now()
    Conversation.objects.create(
        external_id="conv-1",
        created_at=now,
        last_event_at=now,
        lease_owner=owner,
        lease_until=now + timedelta(minutes=1),
    )
