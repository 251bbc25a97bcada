"""Defects that were found and mended, each named after its effect."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from conversations.gateway.backfill import Backfill
from conversations.gateway.inbox import InboxLost
from conversations.genesys.events import MessageRead, Participant
from conversations.models import Conversation, Delivery, Message
from conversations.services.delivery import Confirm, Settle, StartSending
from tests.conversations.histories import translated
from tests.conversations.services.wire import apply, event, just_after, record, recorded
from tests.translation.makings import made
from tests.translation.workers import working
from translation.provider_state import Seen, report
from translation.services import RecordTranslation

State = Delivery.State


# 1 translation/reconcile.py: LOSES A MESSAGE
@pytest.mark.django_db(transaction=True)
async def test_an_equal_text_without_ids_that_was_delivered_before_is_no_proof(simulator):
    world = simulator.world
    world.config = dataclasses.replace(world.config, ids_in_events=False, ids_in_answers=False)
    world.faults.add({"where": "post", "kind": "reset_before", "nth": 2})
    async with working(simulator) as worker:
        await worker.hear_guest("one")
        await worker.until_idle()
        await worker.hear_guest("one")
        await worker.until_idle()

        assert worker.posts() == ["EN one"]
        assert await worker.crossing.call(
            lambda: Delivery.objects.filter(state=State.REVIEW).exists()
        )


# 2 services: an echo without id goes to the delivery with the lower key, not to the one sent first
@pytest.mark.django_db
def test_an_echo_without_id_belongs_to_what_was_sent_first():
    first, second = recorded("Hola", id="m-1"), recorded("Hola", id="m-2")
    where = (first.conversation_id, first.pk, "")
    apply(RecordTranslation(second.conversation_id, second.pk, "", made(), start=False))
    apply(RecordTranslation(*where, made(), start=True))
    apply(Confirm(*where, by="answer", external_id="x-1"))
    apply(StartSending(second.conversation_id, second.pk, ""))
    posted = Delivery.objects.get(message=first)

    record(event("Hello", sent_at=just_after(posted)))
    later = just_after(Delivery.objects.get(message=second))
    done = record(event("Hello", id="x-2", sent_at=later))

    assert done.work is False  # it was stored as the guest's, and would be translated
    assert not Message.objects.awaiting_translation().exists()


# 3 services/delivery.py: the lane dies of an IntegrityError
@pytest.mark.django_db
def test_an_answers_id_that_an_echo_gave_to_an_older_equal_delivery_breaks_nothing():
    old = translated(recorded("Sí", id="m-1"), "Yes")
    for state in (State.AMBIGUOUS, State.REVIEW):
        apply(Settle(old.conversation_id, old.message_id, "", state, "unknown"))
    new = translated(recorded("Sí", id="m-2"), "Yes")
    record(event("Yes", id="x-2", sent_at=just_after(new)))

    apply(Confirm(new.conversation_id, new.message_id, "", by="answer", external_id="x-2"))

    assert Delivery.objects.get(pk=new.pk).state == State.CONFIRMED


# 4 services/delivery.py: the TTL is looked at when the translation is made and never again
@pytest.mark.django_db
def test_what_waited_in_the_queue_past_its_time_is_not_sent_by_itself():
    message = recorded()
    apply(RecordTranslation(message.conversation_id, message.pk, "", made(), start=False))
    old = message.received_at - timedelta(seconds=600)
    Message.objects.update(received_at=old, sent_at=old)
    Delivery.objects.update(created_at=old)

    (status,) = apply(StartSending(message.conversation_id, message.pk, ""))

    assert status.state == State.REVIEW


# 5 translation/reconcile.py: no allowance for clocks after a takeover
@pytest.mark.django_db(transaction=True)
async def test_a_platform_whose_clock_is_a_second_behind_still_confirms(simulator):
    world = simulator.world
    world.now = lambda: datetime.now(UTC) - timedelta(seconds=1)
    world.faults.add({"where": "post", "kind": "slow", "ms": 3000})
    async with working(simulator, owner="dead") as worker:
        await worker.hear_guest("one")
        # At the platform already: a token in the middle of its renewal would hold the heir up.
        await worker.until(world.faults.fired)
        for task in worker.drain._tasks.values():
            task.cancel()
        body = {"from": {"id": "guest-1", "type": "guest"}, "text": "EN one"}
        world.apply_post({}, world.conversation("conv-1"), body, None)
        worker.drain._stopping = True
        past = datetime.now(UTC) - timedelta(seconds=1)
        await worker.crossing.call(lambda: Conversation.objects.update(lease_until=past))
    async with working(simulator, owner="heir") as worker:
        await worker.until(
            lambda: Delivery.objects.filter(state__in=["review", "confirmed"]).exists()
        )
        assert (await worker.crossing.call(Delivery.objects.get)).state == State.CONFIRMED


# 6 gateway/backfill.py: held events are lost / overtaken when `put` has to wait (a full inbox)
def _backfill(stored: list[str], *, active: list[str], slow_s: float, hold_s: float):
    async def put(one) -> None:
        await asyncio.sleep(slow_s)
        stored.append(one.text)

    class Rest:
        async def active_conversations(self, _since):
            await asyncio.sleep(0.05)
            return [type("Active", (), {"conversation_id": key})() for key in active]

        async def conversation_messages(self, _id, *, since=None):
            return []

    async def nobody(_moment):
        return []

    return Backfill(
        rest=Rest(),
        put=put,
        since=datetime.now(UTC),
        known_since=nobody,
        known=_none_of,
        hold_s=hold_s,
    )


async def test_held_events_are_not_lost_when_the_backfill_ends_while_they_are_put():
    stored: list[str] = []
    filling = _backfill(stored, active=[], slow_s=0.05, hold_s=0.03)
    running = asyncio.create_task(filling.run())
    for text in ("1", "2", "3"):
        await filling.offer(event(text, conversation="c1"))

    await running
    await asyncio.sleep(0.3)

    assert stored == ["1", "2", "3"]


async def test_a_live_event_does_not_overtake_those_that_are_being_put():
    stored: list[str] = []
    filling = _backfill(stored, active=["c1"], slow_s=0.02, hold_s=2.0)
    running = asyncio.create_task(filling.run())
    for text in ("1", "2", "3"):
        await filling.offer(event(text, conversation="c1"))
    async with asyncio.timeout(20):
        while not stored:
            await asyncio.sleep(0.001)
    await filling.offer(event("4", conversation="c1"))
    await running

    assert stored == ["1", "2", "3", "4"]


# 7 gateway: a lost inbox during a backfill ends only the backfill's task
async def test_a_backfill_that_meets_a_lost_inbox_says_that_the_gap_is_open():
    async def put(_one) -> None:
        raise InboxLost("OperationalError")

    class Rest:
        async def active_conversations(self, _since):
            return [type("A", (), {"conversation_id": "c1"})()]

        async def conversation_messages(self, _id, *, since=None):
            return [event("1", conversation="c1")]

    async def nobody(_moment):
        return []

    filling = Backfill(
        rest=Rest(), put=put, since=datetime.now(UTC), known_since=nobody, known=_none_of
    )

    assert not await filling.run()  # raises: OrgStream's task dies, the socket stays, gap for good


# 8 services/recording.py
@pytest.mark.django_db
def test_a_reopened_conversation_has_no_end():
    message = recorded()
    Conversation.objects.update(state="closed", closed_at=message.sent_at)

    record(event("Otra vez"))

    assert Conversation.objects.get().closed_at is None


@pytest.mark.django_db
def test_a_read_receipt_with_an_id_too_long_does_not_refuse_the_batch():
    receipt = MessageRead("x" * 230, Participant("agent-1", "agent"), "m-1", datetime.now(UTC))

    record(event("Hola", id="m-1"), receipt)

    assert Message.objects.count() == 1
    assert Conversation.objects.count() == 1


# 9 translation/provider_state.py
@pytest.mark.django_db
def test_a_long_reason_at_the_first_report_is_cut():
    report("deepl", Seen("open", "x" * 300))


async def _none_of(_names: list[str]) -> set[str]:
    return set()
