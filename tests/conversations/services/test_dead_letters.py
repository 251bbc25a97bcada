"""Dead letters are replayed as far as their kind allows, or closed; each is decided once."""

from __future__ import annotations

import pytest

from conversations.models import Conversation, DeadLetter, Delivery, JournalEntry, Message
from conversations.services.dead_letters import close_dead_letters, replay_dead_letters
from conversations.services.delivery import StartSending
from tests.conversations import histories
from tests.conversations.services.decided import (
    at_once,
    failed_attributes,
    failed_delivery,
    failed_translation,
    frame,
    made_old,
)
from tests.conversations.services.wire import apply, assert_journal_holds
from tests.translation.makings import made
from translation.services import RecordTranslation

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam():
    return histories.user("sam", "supervisor")


def replay(letter: DeadLetter, *, user):
    (outcome,) = replay_dead_letters([letter.pk], user=user)
    letter.refresh_from_db()
    return outcome


def close(letter: DeadLetter, *, user, reason: str = "seen to by phone"):
    (outcome,) = close_dead_letters([letter.pk], user=user, reason=reason)
    letter.refresh_from_db()
    return outcome


def last_entry() -> JournalEntry:
    found = JournalEntry.objects.order_by("-pk").first()
    assert found is not None
    return found


def has_work() -> bool:
    return Conversation.objects.get().work_at is not None


def test_a_translation_is_made_once_more_and_goes_out_however_old_it_is(sam):
    letter = failed_translation()
    message = Message.objects.get()
    Message.objects.update(received_at="2024-06-15T10:30:00Z", sent_at="2024-06-15T10:30:00Z")

    outcome = replay(letter, user=sam)

    message.refresh_from_db()
    assert outcome.is_done
    assert (message.translation_state, message.translation_reason) == ("pending", "")
    assert has_work()
    (status,) = apply(RecordTranslation(message.conversation_id, message.pk, "", made(), True))
    assert status.state == Delivery.State.SENDING
    assert_journal_holds()


def test_a_delivery_is_queued_again(sam):
    letter = failed_delivery()
    delivery = Delivery.objects.get()
    made_old(delivery, hours=5)

    outcome = replay(letter, user=sam)

    delivery.refresh_from_db()
    assert outcome.is_done
    assert delivery.state == Delivery.State.QUEUED
    assert has_work()
    (status,) = apply(StartSending(delivery.conversation_id, delivery.message_id, ""))
    assert status.state == Delivery.State.SENDING
    assert_journal_holds()


def test_attributes_are_due_again(sam):
    letter = failed_attributes()

    outcome = replay(letter, user=sam)

    assert outcome.is_done
    assert Delivery.objects.get().attributes_state == "pending"
    assert has_work()
    assert_journal_holds()


@pytest.mark.parametrize("newer", ["written", "pending"])
def test_old_attributes_never_replace_those_of_a_newer_message(sam, newer: str):
    letter = failed_attributes(number=1)
    histories.delivered(histories.said("Hola 2", number=2), "Hello 2")
    Delivery.objects.exclude(message=letter.message).update(attributes_state=newer)

    outcome = replay(letter, user=sam)

    assert not outcome.is_done
    assert "A newer message's attributes stand there" in outcome.words
    assert (letter.decision, letter.decided_at) == ("", None)


def test_the_attributes_of_an_older_message_are_no_obstacle(sam):
    histories.delivered(histories.said("Hola 0", number=9), "Hello 0")

    assert replay(failed_attributes(), user=sam).is_done


@pytest.mark.parametrize("make", [failed_translation, failed_delivery, failed_attributes])
@pytest.mark.parametrize("how", [replay, close], ids=["replayed", "closed"])
def test_who_decided_when_and_what_stands_with_the_letter_and_in_the_journal(sam, make, how):
    letter = make()

    outcome = how(letter, user=sam)

    decision = {replay: "replayed", close: "closed"}[how]
    assert outcome.words.endswith(f"{decision}.")
    assert (letter.decision, letter.decided_by) == (decision, sam)
    assert letter.decided_at is not None
    entry = last_entry()
    assert entry.kind == {replay: "replayed", close: "dead_letter_closed"}[how]
    assert (entry.actor, entry.message_id) == (f"user:{sam.pk}:sam", letter.message_id)
    assert entry.data == f'{{"dead_letter":{letter.pk},"of":"{letter.kind}"}}'
    assert entry.at == letter.decided_at
    assert_journal_holds()


@pytest.mark.parametrize("make", [failed_translation, failed_delivery, failed_attributes, frame])
@pytest.mark.parametrize("how", [replay, close], ids=["replay", "close"])
def test_a_second_decision_changes_nothing_and_names_the_first(sam, make, how):
    letter = make()
    close(letter, user=sam)
    before, entries = letter.decided_at, JournalEntry.objects.count()

    outcome = how(letter, user=histories.user("ana", "admin"))

    assert not outcome.is_done
    assert "not done. It is closed already: sam, 20" in outcome.words
    assert (letter.decided_at, letter.decided_by) == (before, sam)
    assert JournalEntry.objects.count() == entries
    assert not Conversation.objects.filter(work_at__isnull=False).exists()


def test_a_close_keeps_its_reason_and_changes_nothing_else(sam):
    letter = failed_translation()

    close(letter, user=sam, reason=" seen to by phone ")

    assert letter.decision_reason == "seen to by phone"
    assert Message.objects.get().translation_state == "failed"
    assert not has_work()
    assert "phone" not in last_entry().data


def test_nothing_is_closed_without_a_reason(sam):
    letter = frame()

    with pytest.raises(ValueError, match="reason"):
        close(letter, user=sam, reason="  ")

    letter.refresh_from_db()
    assert letter.decided_at is None


@pytest.mark.parametrize(
    ("make", "undo", "words"),
    [
        (
            failed_translation,
            lambda: Message.objects.update(translation_state="translated"),
            "Its translation is translated now.",
        ),
        (
            failed_delivery,
            lambda: Delivery.objects.update(state="confirmed"),
            "Its delivery is confirmed now.",
        ),
        (
            failed_attributes,
            lambda: Delivery.objects.update(attributes_state="written"),
            "Its attributes are written now.",
        ),
    ],
)
def test_what_is_no_longer_failed_is_left_alone(sam, make, undo, words: str):
    letter = make()
    undo()

    outcome = replay(letter, user=sam)

    assert not outcome.is_done
    assert words in outcome.words
    assert letter.decided_at is None


def test_several_are_decided_together_and_each_has_its_own_answer(sam):
    letters = [failed_translation(conversation="a"), failed_delivery(conversation="b"), frame()]
    ids = [letter.pk for letter in letters]

    outcomes = close_dead_letters([*ids, 999_999], user=sam, reason="exercise")

    assert [outcome.is_done for outcome in outcomes] == [False, True, True, True]
    assert outcomes[0].words == "There is no dead letter 999999."
    assert not DeadLetter.objects.awaiting_decision().exists()
    assert_journal_holds()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("make", [failed_delivery, frame])
def test_of_people_who_decide_in_the_same_moment_one_is_heard(sam, make):
    letter = make()

    answers = at_once(
        *[lambda: close_dead_letters([letter.pk], user=sam, reason="exercise")] * 2,
        *[lambda: replay_dead_letters([letter.pk], user=sam)] * 2,
    )

    done = [outcome for (outcome,) in answers if outcome.is_done]
    letter.refresh_from_db()
    assert len(done) == 1
    assert letter.decided_at is not None
    assert_journal_holds()


def test_no_reason_for_closing_one_names_the_guest(sam):
    letter = failed_translation()

    outcome = close(letter, user=sam, reason="Maria was called back")

    assert not outcome.is_done
    assert "The reason names the guest" in outcome.words
    assert letter.decision == ""
