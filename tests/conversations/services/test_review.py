"""A person decides about a delivery under review, once, and the journal says who it was."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Conversation, Delivery, JournalEntry, Message
from conversations.services.delivery import StartSending
from conversations.services.review import Decision, decide_deliveries
from conversations.signals import journals_moved, work_arrived
from tests.conversations import histories
from tests.conversations.services.decided import at_once, made_old, never_sent, under_review
from tests.conversations.services.wire import (
    apply,
    assert_journal_holds,
    event,
    kinds,
    record,
)

pytestmark = pytest.mark.django_db
State = Delivery.State


@pytest.fixture
def sam():
    return histories.user("sam", "supervisor")


def decide(delivery: Delivery, decision: Decision, *, user):
    (outcome,) = decide_deliveries({delivery.pk: delivery.attempts}, decision, user=user)
    delivery.refresh_from_db()
    return outcome


def last_entry() -> JournalEntry:
    found = JournalEntry.objects.order_by("-pk").first()
    assert found is not None
    return found


def test_it_is_there_confirms_it_and_its_attributes_are_due(sam):
    delivery = under_review()

    outcome = decide(delivery, Decision.IS_THERE, user=sam)

    assert outcome.is_done
    assert outcome.words == "conv-1, message 1: marked as delivered."
    assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "person")
    assert delivery.attributes_state == "pending"
    assert Conversation.objects.get().work_at is not None
    assert (last_entry().kind, last_entry().actor) == ("confirmed", f"user:{sam.pk}:sam")
    assert_journal_holds()


def test_send_again_queues_it_and_the_worker_sends_it_however_old_it_is(sam):
    delivery = under_review()
    made_old(delivery, hours=5)

    outcome = decide(delivery, Decision.SEND_AGAIN, user=sam)

    assert outcome.is_done
    assert delivery.state == State.QUEUED
    assert Conversation.objects.get().work_at is not None
    assert (last_entry().kind, last_entry().actor) == ("requeued", f"user:{sam.pk}:sam")
    (status,) = apply(StartSending(delivery.conversation_id, delivery.message_id, ""))
    assert (status.state, status.attempts) == (State.SENDING, 2)
    assert_journal_holds()


def test_a_decision_grows_old_too(sam):
    delivery = under_review()
    decide(delivery, Decision.SEND_AGAIN, user=sam)
    made_old(delivery, hours=5)
    long_ago = timezone.now() - timedelta(hours=4)
    Message.objects.update(decided_at=long_ago, sent_at=long_ago - timedelta(hours=9))

    (status,) = apply(StartSending(delivery.conversation_id, delivery.message_id, ""))

    assert status.state == State.REVIEW  # and not expired: a person has had it in hand


def test_drop_ends_it_and_leaves_the_workers_alone(sam):
    delivery = under_review()

    outcome = decide(delivery, Decision.DROP, user=sam)

    assert outcome.is_done
    assert (delivery.state, delivery.attributes_state) == (State.DROPPED, "")
    assert Conversation.objects.get().work_at is None
    assert (last_entry().kind, last_entry().actor) == ("dropped", f"user:{sam.pk}:sam")
    assert_journal_holds()


@pytest.mark.parametrize("second", list(Decision))
def test_a_second_decision_changes_nothing_and_names_the_first(sam, second: Decision):
    delivery = under_review()
    decide(delivery, Decision.DROP, user=sam)
    entries = kinds(delivery.message)

    outcome = decide(delivery, second, user=histories.user("ana", "admin"))

    assert not outcome.is_done
    assert outcome.words.startswith("conv-1, message 1: not done. It is dropped already: sam, 20")
    assert delivery.state == State.DROPPED
    assert kinds(delivery.message) == entries


def test_a_decision_about_what_was_sent_again_meanwhile_is_refused(sam):
    delivery = under_review()
    seen = delivery.attempts
    Delivery.objects.update(attempts=seen + 1)

    (outcome,) = decide_deliveries({delivery.pk: seen}, Decision.DROP, user=sam)

    delivery.refresh_from_db()
    assert "sent again since you saw it" in outcome.words
    assert delivery.state == State.REVIEW


def test_an_echo_that_was_faster_is_named(sam):
    delivery = under_review()
    record(event("Hello", id="m-9"))

    outcome = decide(delivery, Decision.SEND_AGAIN, user=sam)

    assert "It is confirmed already: the gateway" in outcome.words
    assert delivery.state == State.CONFIRMED


def test_what_was_never_sent_cannot_be_there(sam):
    delivery = never_sent()

    outcome = decide(delivery, Decision.IS_THERE, user=sam)

    assert "It was never sent" in outcome.words
    assert delivery.state == State.REVIEW


def test_a_late_echo_of_the_first_sending_is_recognised_before_the_second(sam):
    delivery = under_review()
    decide(delivery, Decision.SEND_AGAIN, user=sam)

    record(event("Hello", id="m-9"))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "echo")
    (status,) = apply(StartSending(delivery.conversation_id, delivery.message_id, ""))
    assert status.state == State.CONFIRMED
    assert Message.objects.filter(origin="guest").count() == 1


def test_a_late_echo_of_the_first_sending_is_recognised_after_the_second(sam):
    delivery = under_review()
    first = timezone.now() - timedelta(minutes=5)
    Delivery.objects.update(sending_at=first)
    decide(delivery, Decision.SEND_AGAIN, user=sam)
    apply(StartSending(delivery.conversation_id, delivery.message_id, ""))

    record(event("Hello", id="m-9", sent_at=first + timedelta(seconds=1)))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "echo")
    assert Message.objects.filter(origin="guest").count() == 1


def test_an_equal_text_of_the_guest_is_no_echo_of_what_was_never_sent(sam):
    delivery = never_sent()
    decide(delivery, Decision.SEND_AGAIN, user=sam)

    record(event("Hello", id="m-9"))

    delivery.refresh_from_db()
    assert delivery.state == State.QUEUED
    assert Message.objects.filter(origin="guest").count() == 2


def test_the_next_attempt_has_an_echo_and_an_id_of_its_own(sam):
    """A review can follow a mistaken confirmation: nothing of that may stand in the way."""
    delivery = under_review()
    Delivery.objects.update(
        external_id="m-old",
        echoed_at=timezone.now(),
        confirmed_at=timezone.now(),
        confirmed_by="echo",
        attributes_state="written",
    )
    decide(delivery, Decision.SEND_AGAIN, user=sam)
    apply(StartSending(delivery.conversation_id, delivery.message_id, ""))

    record(event("Hello", id="m-new", sent_at=timezone.now()))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.external_id) == (State.CONFIRMED, "m-new")
    assert delivery.attributes_state == "pending"


def test_several_are_decided_together_and_each_has_its_own_answer(sam):
    deliveries = [under_review(conversation=f"conv-{number}") for number in range(3)]
    decide(deliveries[1], Decision.DROP, user=sam)
    seen = {delivery.pk: delivery.attempts for delivery in deliveries} | {999_999: 1}

    outcomes = decide_deliveries(seen, Decision.SEND_AGAIN, user=sam)

    assert [outcome.is_done for outcome in outcomes] == [False, True, False, True]
    assert outcomes[0].words == "There is no delivery 999999."
    states = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["queued", "dropped", "queued"]
    assert_journal_holds()


def test_workers_and_live_pages_are_told_once_it_is_committed(
    sam, django_capture_on_commit_callbacks
):
    delivery = under_review()
    told: list[object] = []

    def wake(**kwargs) -> None:
        told.append("work")

    def show(moved, **kwargs) -> None:
        told.append(moved)

    work_arrived.connect(wake)
    journals_moved.connect(show)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            decide(delivery, Decision.SEND_AGAIN, user=sam)
            assert told == []
    finally:
        work_arrived.disconnect(wake)
        journals_moved.disconnect(show)

    assert told == ["work", [(delivery.conversation_id, Conversation.objects.get().seq)]]


def test_the_journal_keeps_no_text_and_a_name_of_any_length(sam):
    sam.username = "s" * 150
    sam.save()
    delivery = under_review()

    decide(delivery, Decision.SEND_AGAIN, user=sam)

    assert len(last_entry().actor) == 100
    assert json.loads(last_entry().data) == {
        "attempt": 1,
        "reason": "sent again by a person's decision",
    }


@pytest.mark.django_db(transaction=True)
def test_of_people_who_decide_in_the_same_moment_one_is_heard(sam):
    delivery = under_review()
    seen = {delivery.pk: delivery.attempts}

    answers = at_once(
        *(
            lambda decision=decision: decide_deliveries(seen, decision, user=sam)
            for decision in (Decision.DROP, Decision.SEND_AGAIN, Decision.IS_THERE, Decision.DROP)
        )
    )

    assert sum(outcome.is_done for (outcome,) in answers) == 1
    decided = {"dropped", "requeued", "confirmed"}
    assert len(decided & set(kinds(delivery.message))) == 1
    assert_journal_holds()
