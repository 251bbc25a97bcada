"""What we caused comes back as a guest's message and must be known as ours (protocol §1, TRAP)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.models import Delivery, JournalEntry, Message
from conversations.services.delivery import Confirm, Requeue, Settle, StartSending
from tests.conversations.histories import translated
from tests.conversations.services.decided import never_sent, under_review
from tests.conversations.services.wire import (
    AGENT,
    apply,
    assert_journal_holds,
    event,
    just_after,
    kinds,
    record,
    recorded,
)

pytestmark = pytest.mark.django_db
State = Delivery.State


def sending(text: str = "Hello", *, original: str = "Hola", id: str = "m-1") -> Delivery:  # noqa: A002
    return translated(recorded(original, id=id), text)


def echo(delivery: Delivery, text: str = "Hello", *, id: str | None = None, **more):  # noqa: A002
    return record(event(text, id=id, sent_at=just_after(delivery), **more))


def confirm(delivery: Delivery, external_id: str = "x-1") -> None:
    apply(
        Confirm(
            delivery.conversation_id,
            delivery.message_id,
            "",
            by="answer",
            external_id=external_id,
        )
    )
    delivery.refresh_from_db()


def settle(delivery: Delivery, state: State) -> None:
    apply(Settle(delivery.conversation_id, delivery.message_id, "", state, "test"))
    delivery.refresh_from_db()


@pytest.mark.parametrize("id_of_echo", ["x-1", None], ids=["with id", "without id"])
def test_an_echo_after_the_answer_is_ours(id_of_echo: str | None):
    delivery = sending()
    confirm(delivery, "x-1")

    done = echo(delivery, id=id_of_echo)

    delivery.refresh_from_db()
    assert (done.echoes, done.stored, done.work) == (1, 0, False)
    assert delivery.echoed_at is not None
    assert delivery.confirmed_by == "answer"
    assert Message.objects.get(origin="injected").translation_state == ""
    assert_journal_holds()


@pytest.mark.parametrize("id_of_echo", ["x-1", None], ids=["with id", "without id"])
def test_an_echo_before_the_answer_confirms_and_the_answer_only_adds_its_id(
    id_of_echo: str | None,
):
    delivery = sending()

    done = echo(delivery, id=id_of_echo)
    confirm(delivery, "x-1")

    assert done.echoes == 1
    assert (delivery.state, delivery.confirmed_by) == (State.CONFIRMED, "echo")
    assert (delivery.external_id, delivery.attributes_state) == ("x-1", "pending")
    assert kinds(delivery.message).count("confirmed") == 1
    assert_journal_holds()


def test_an_echo_with_an_unknown_id_of_a_known_text_is_ours():
    delivery = sending()
    confirm(delivery, external_id="")

    echo(delivery, id="x-unknown")

    delivery.refresh_from_db()
    assert delivery.external_id == "x-unknown"
    assert Message.objects.filter(origin="guest").count() == 1


def test_an_echo_is_known_by_its_id_even_when_its_text_was_changed():
    delivery = sending()
    confirm(delivery, "x-1")

    echo(delivery, "Hello ***", id="x-1")

    assert Message.objects.filter(origin="injected").count() == 1


def test_another_id_than_the_answers_is_the_guest_who_says_the_same():
    delivery = sending()
    confirm(delivery, "x-1")

    done = echo(delivery, id="x-2")

    assert (done.echoes, done.stored, done.work) == (0, 1, True)


def test_an_echo_is_known_in_another_unicode_form_and_spacing():
    delivery = sending("Café  please")

    done = echo(delivery, "Cafe\u0301 please ")

    assert done.echoes == 1


def test_a_repeated_echo_is_stored_once():
    delivery = sending()
    echo(delivery, id="x-1")

    done = echo(delivery, id="x-1")

    assert (done.repeated, done.echoes) == (1, 0)


@pytest.mark.parametrize("answered", [True, False])
def test_a_repeated_echo_without_an_id_is_stored_once(answered: bool):
    delivery = sending()
    if answered:
        confirm(delivery)
    echo(delivery)

    done = echo(delivery)

    assert (done.repeated, done.stored) == (1, 0)


def test_equal_texts_in_a_row_are_matched_one_to_one_and_oldest_first():
    first = sending(original="Sí", id="m-1")
    second = sending(original="Sí", id="m-2")

    echo(first, id="x-1")
    echo(second, id="x-2")

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.external_id, second.external_id) == ("x-1", "x-2")
    assert Message.objects.filter(origin="injected").count() == 2


def test_two_equal_echoes_in_one_batch_belong_to_two_deliveries():
    first = sending(original="Sí", id="m-1")
    second = sending(original="Sí", id="m-2")
    moment = just_after(second)

    done = record(
        event("Hello", sent_at=moment),
        event("Hello", sent_at=moment + timedelta(milliseconds=1)),
    )

    assert done.echoes == 2
    assert {one.state for one in Delivery.objects.all()} == {State.CONFIRMED}
    assert first.pk != second.pk


def test_a_third_equal_text_is_the_guests():
    first = sending()
    echo(first, id="x-1")

    done = echo(first, id="m-2")

    assert (done.stored, done.work) == (1, True)


@pytest.mark.parametrize("state", [State.AMBIGUOUS, State.REVIEW, State.DROPPED])
def test_an_echo_decides_what_was_unknown(state: State):
    delivery = sending()
    settle(delivery, State.AMBIGUOUS)
    if state != State.AMBIGUOUS:
        settle(delivery, state)

    done = echo(delivery, id="x-1")

    delivery.refresh_from_db()
    assert (delivery.state, delivery.confirmed_by, delivery.reason) == (
        State.CONFIRMED,
        "echo",
        "",
    )
    assert delivery.attributes_state == "pending"
    assert done.work
    assert_journal_holds()


@pytest.mark.parametrize("state", [State.QUEUED, State.REVIEW, State.DROPPED])
def test_what_was_never_posted_has_no_echo(state: State):
    delivery = sending()
    apply(Requeue(delivery.conversation_id, delivery.message_id, "", "throttled"))
    if state != State.QUEUED:
        settle(delivery, state)

    done = echo(delivery, id="m-2")

    delivery.refresh_from_db()
    assert (done.echoes, done.stored, done.work) == (0, 1, True)
    assert delivery.state == state


@pytest.mark.parametrize("state", [State.REVIEW, State.DROPPED])
def test_what_grew_old_before_its_turn_has_no_echo(state: State):
    never_sent()
    Delivery.objects.update(state=state)

    done = record(event("Hello", id="m-2"))

    assert (done.echoes, done.stored, done.work) == (0, 1, True)
    assert Delivery.objects.get().state == state


def test_a_part_that_was_never_sent_has_no_echo():
    delivery = under_review()
    Delivery.objects.update(attempts_before=delivery.attempts, sending_at=None)

    done = record(event("Hello", id="m-2"))

    assert (done.echoes, done.stored) == (0, 1)


def sent_twice(text: str = "Hello", *, original: str = "Hola") -> Delivery:
    """Its absence was believed, and it was sent once more."""
    delivery = sending(text, original=original)
    settle(delivery, State.AMBIGUOUS)
    where = (delivery.conversation_id, delivery.message_id, "")
    apply(Requeue(*where, "believed absent", was_ambiguous=True))
    apply(StartSending(*where))
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_the_second_echo_of_what_was_sent_twice_is_an_incident_and_no_guests_words(
    together: bool,
):
    delivery = sent_twice()
    events = [event("Hello", id=key, sent_at=just_after(delivery)) for key in ("x-1", "x-2")]

    done = [record(*events)] if together else [record(one) for one in events]

    delivery.refresh_from_db()
    assert (sum(one.echoes for one in done), sum(one.stored for one in done)) == (2, 0)
    assert (delivery.state, delivery.external_id) == (State.CONFIRMED, "x-1")
    assert delivery.duplicates == 1
    assert kinds(delivery.message)[-2:] == ["confirmed", "duplicate"]
    assert Message.objects.filter(origin="injected", echo_of=delivery).count() == 2
    assert_journal_holds()


@pytest.mark.parametrize("ids", [("x-1", "x-2"), ("x-2", "x-1")], ids=["other first", "own first"])
def test_both_echoes_in_one_batch_after_the_answer_are_kept(ids: tuple[str, str]):
    delivery = sent_twice()
    confirm(delivery, "x-2")

    record(*[event("Hello", id=key, sent_at=just_after(delivery)) for key in ids])

    delivery.refresh_from_db()
    assert (delivery.external_id, delivery.duplicates) == ("x-2", 1)
    assert delivery.echoed_at is not None
    assert sorted(kinds(delivery.message)[-2:]) == ["duplicate", "echoed"]
    assert_journal_holds()


def test_a_guest_whose_own_words_were_the_same_is_heard_and_not_taken_for_an_incident():
    delivery = sent_twice("No", original="No")
    echo(delivery, "No", id="x-1")

    done = echo(delivery, "No", id="m-2")

    delivery.refresh_from_db()
    assert (done.stored, done.work) == (1, True)
    assert delivery.duplicates == 0


def test_long_after_both_sendings_the_same_words_are_the_guests():
    delivery = sent_twice()
    echo(delivery, id="x-1")

    done = record(event("Hello", id="m-2", sent_at=just_after(delivery) + timedelta(minutes=1)))

    assert (done.stored, done.work) == (1, True)


def test_what_the_history_shows_twice_is_an_incident_once():
    delivery = sent_twice()
    where = (delivery.conversation_id, delivery.message_id, "")
    settle(delivery, State.AMBIGUOUS)

    apply(Confirm(*where, by="history", external_id="x-1", duplicates=("x-2",)))
    echo(delivery, id="x-2")

    delivery.refresh_from_db()
    assert (delivery.external_id, delivery.duplicates) == ("x-1", 1)
    assert Message.objects.filter(origin="guest").count() == 1
    assert_journal_holds()


def test_what_was_said_well_before_the_sending_is_not_its_echo():
    delivery = sending()
    early = just_after(delivery) - timedelta(seconds=30)

    done = record(event("Hello", id="m-2", sent_at=early))

    assert (done.echoes, done.stored) == (0, 1)


def test_the_platforms_clock_may_be_a_little_behind():
    delivery = sending()

    done = record(event("Hello", sent_at=just_after(delivery) - timedelta(seconds=4)))

    assert done.echoes == 1


def test_an_agent_who_says_the_same_is_not_an_echo():
    delivery = sending()

    done = echo(delivery, id="a-1", sender=AGENT)

    assert (done.echoes, done.stored) == (0, 1)


def test_an_echo_in_another_conversation_is_not_ours():
    delivery = sending()

    done = echo(delivery, id="m-2", conversation="conv-2")

    assert done.echoes == 0


def test_an_echo_in_one_batch_with_the_guests_next_message_keeps_both():
    delivery = sending()
    moment = just_after(delivery)

    done = record(event("Hello", sent_at=moment), event("Gracias", id="m-2", sent_at=moment))

    assert (done.echoes, done.stored, done.work) == (1, 1, True)
    seqs = JournalEntry.objects.order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == [1, 2, 3, 4, 5]
    assert_journal_holds()


def test_an_echo_does_not_make_the_sender_of_a_translation_the_guest():
    delivery = sending()

    echo(delivery, id="x-1")

    delivery.conversation.refresh_from_db()
    assert delivery.conversation.guest_id == "guest-1"
