"""The life of a delivery: every change is safe to apply twice, and none undoes a faster one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conversations.models import Conversation, DeadLetter, Delivery
from conversations.services.delivery import Confirm, Requeue, Settle, StartSending
from conversations.services.unit import LeaseLost
from tests.conversations.histories import translated
from tests.conversations.services.wire import apply, assert_journal_holds, kinds, recorded
from tests.translation.makings import made
from translation.services import RecordTranslation

pytestmark = pytest.mark.django_db
State = Delivery.State


def queued() -> Delivery:
    message = recorded()
    apply(RecordTranslation(message.conversation_id, message.pk, "", made(), start=False))
    return Delivery.objects.get()


def sending() -> Delivery:
    return translated(recorded(), "Hello")


def start(delivery: Delivery) -> StartSending:
    return StartSending(delivery.conversation_id, delivery.message_id, "")


def confirm(delivery: Delivery, external_id: str = "x-1") -> Confirm:
    where = (delivery.conversation_id, delivery.message_id, "")
    return Confirm(*where, by="answer", external_id=external_id)


def settle(delivery: Delivery, state: State, **more: Any) -> Settle:
    where = (delivery.conversation_id, delivery.message_id, "")
    return Settle(*where, state, "because", **more)


def requeue(delivery: Delivery) -> Requeue:
    return Requeue(delivery.conversation_id, delivery.message_id, "", "throttled")


def test_sending_is_committed_with_its_attempt_and_moment():
    delivery = queued()

    (status,) = apply(start(delivery))

    delivery.refresh_from_db()
    assert (status.state, status.attempts) == (State.SENDING, 1)
    assert delivery.sending_at is not None


def test_a_confirmed_delivery_has_its_id_and_its_attributes_due():
    delivery = sending()

    apply(confirm(delivery, "x-1"))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.external_id) == (State.CONFIRMED, "x-1")
    assert delivery.attributes_state == "pending"
    assert delivery.confirmed_at is not None


def test_sending_may_be_put_back_and_sent_again():
    """What reached nobody is not counted: an unknown fate has two sendings still."""
    delivery = sending()

    apply(requeue(delivery))
    (status,) = apply(start(delivery))

    assert (status.state, status.attempts) == (State.SENDING, 1)
    assert kinds(delivery.message)[2:] == ["sending", "requeued", "sending"]


@pytest.mark.parametrize(
    ("begin", "change"),
    [
        (queued, start),
        (sending, confirm),
        (sending, requeue),
        (sending, lambda delivery: settle(delivery, State.AMBIGUOUS)),
        (sending, lambda delivery: settle(delivery, State.REVIEW)),
        (sending, lambda delivery: settle(delivery, State.FAILED, http_status=400, body="no")),
        (sending, lambda delivery: settle(delivery, State.EXPIRED)),
    ],
    ids=["start", "confirm", "requeue", "ambiguous", "review", "failed", "expired"],
)
@pytest.mark.parametrize("together", [True, False], ids=["one commit", "two commits"])
def test_every_change_applied_twice_is_applied_once(begin: Any, change: Any, together: bool):
    delivery = begin()
    wanted = change(delivery)

    results = apply(wanted, wanted) if together else [*apply(wanted), *apply(wanted)]

    assert results[0] == results[1]
    entries = kinds(delivery.message)
    assert len(entries) == len(set(entries))
    assert DeadLetter.objects.count() == (1 if results[0].state == State.FAILED else 0)
    assert_journal_holds()


@pytest.mark.parametrize("state", [State.AMBIGUOUS, State.REVIEW, State.FAILED])
def test_a_confirmation_that_was_faster_wins(state: State):
    delivery = sending()
    apply(confirm(delivery))

    (status,) = apply(settle(delivery, state))

    assert status.state == State.CONFIRMED
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("change", [start, requeue])
def test_what_is_confirmed_is_not_sent_or_queued_again(change: Any):
    delivery = sending()
    apply(confirm(delivery))

    (status,) = apply(change(delivery))

    assert status.state == State.CONFIRMED


def test_what_is_ambiguous_is_not_sent_again():
    delivery = sending()
    apply(settle(delivery, State.AMBIGUOUS))

    (status,) = apply(start(delivery))

    assert (status.state, status.attempts) == (State.AMBIGUOUS, 1)


def test_a_refused_delivery_is_kept_with_status_and_body():
    delivery = sending()

    apply(settle(delivery, State.FAILED, http_status=422, body="x" * 3000))

    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.http_status, letter.size) == ("delivery", 422, 3000)
    assert len(bytes(letter.body.body)) == 2000
    assert letter.message == delivery.message


# --- leases -------------------------------------------------------------------------------------


def owned(delivery: Delivery, owner: str) -> Conversation:
    Conversation.objects.update(
        lease_owner=owner, lease_until=datetime.now(UTC) + timedelta(seconds=15)
    )
    return Conversation.objects.get(pk=delivery.conversation_id)


def test_a_foreign_owner_writes_nothing():
    delivery = queued()
    owned(delivery, "worker-1")
    entries = kinds(delivery.message)

    (lost,) = apply(StartSending(delivery.conversation_id, delivery.message_id, "worker-2"))

    delivery.refresh_from_db()
    assert isinstance(lost, LeaseLost)
    assert delivery.state == State.QUEUED
    assert kinds(delivery.message) == entries


def test_a_lost_lease_does_not_take_others_of_the_commit_with_it():
    first, second = queued(), None
    message = recorded("Adiós", conversation="conv-2")
    apply(RecordTranslation(message.conversation_id, message.pk, "", made(), start=False))
    second = Delivery.objects.get(message=message)
    owned(first, "worker-1")

    lost, status = apply(
        StartSending(first.conversation_id, first.message_id, "worker-2"),
        StartSending(second.conversation_id, second.message_id, "worker-1"),
    )

    assert isinstance(lost, LeaseLost)
    assert status.state == State.SENDING
