"""A frame that can be read now is stored as if it arrived now; any other stays where it is."""

from __future__ import annotations

import json

import pytest

from conversations.models import DeadLetter, DeadLetterBody, JournalEntry, Message
from conversations.services.dead_letters import replay_dead_letters
from tests.conversations import histories
from tests.conversations.services.decided import frame
from tests.conversations.services.wire import assert_journal_holds

pytestmark = pytest.mark.django_db

MESSAGE = {
    "type": "message",
    "conversationId": "conv-1",
    "id": "m-1",
    "from": {"id": "guest-1", "type": "guest", "name": "Maria"},
    "text": "Hola",
    "timestamp": "2024-06-15T10:30:00.000Z",
}


@pytest.fixture
def sam():
    return histories.user("sam", "supervisor")


def wire(**fields) -> bytes:
    return json.dumps(MESSAGE | fields).encode()


def replay(letter: DeadLetter, user):
    (outcome,) = replay_dead_letters([letter.pk], user=user)
    letter.refresh_from_db()
    return outcome


def test_a_message_is_stored_and_awaits_its_translation(sam):
    letter = frame(wire())

    outcome = replay(letter, sam)

    message = Message.objects.get()
    assert outcome.words == (f"Dead letter {letter.pk} (malformed frame): replayed.")
    assert (message.translation_state, message.conversation.work_at is not None) == (
        "pending",
        True,
    )
    assert (letter.decision, letter.decided_by, letter.message) == ("replayed", sam, message)
    assert letter.conversation == message.conversation
    entries = JournalEntry.objects.order_by("seq").values_list("kind", "actor", "message_id")
    assert list(entries) == [
        ("received", "gateway", message.pk),
        ("replayed", f"user:{sam.pk}:sam", message.pk),
    ]
    assert_journal_holds()


def test_what_the_history_brought_meanwhile_is_not_stored_twice(sam):
    histories.said("Hola", conversation="conv-1")
    known = Message.objects.get().external_id
    letter = frame(wire(id=known))

    outcome = replay(letter, sam)

    assert outcome.is_done
    assert "stored already" in outcome.words
    assert Message.objects.count() == 1
    assert letter.message == Message.objects.get()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "It still cannot be read: not JSON."),
        (b"\xff\xfe", "It is no text."),
        (wire(timestamp=None), "It still cannot be read: timestamp"),
        (wire(type="fax"), "Its type is unknown to this version"),
        (wire(type="typing", state="active"), "somebody types"),
        (wire(type="readReceipt", messageId="m-none"), "a message that is unknown"),
        (wire(id="x" * 201), "id is not a string of 1 to 200 characters"),
    ],
)
def test_what_cannot_be_stored_stays_open_and_says_why(sam, raw: bytes, words: str):
    letter = frame(raw)

    outcome = replay(letter, sam)

    assert not outcome.is_done
    assert words in outcome.words
    assert (letter.decision, letter.decided_at) == ("", None)
    assert DeadLetter.objects.count() == 1
    assert not JournalEntry.objects.exists()


def test_a_frame_that_was_kept_in_part_is_not_replayed(sam):
    letter = frame(wire(), stream="messaging", size=100_000)

    assert "Only its beginning was kept." in replay(letter, sam).words


def test_a_frame_whose_body_is_erased_is_not_replayed(sam):
    letter = frame(wire())
    DeadLetterBody.objects.all().delete()

    assert "Its body has been erased." in replay(letter, sam).words


def test_a_frame_of_another_stream_is_not_replayed(sam):
    letter = frame(wire(), stream="telegraph")

    assert "the stream telegraph" in replay(letter, sam).words


def test_a_read_mark_is_stored_with_its_message(sam):
    message = histories.said("Hola", conversation="conv-1")
    letter = frame(wire(type="readReceipt", messageId=message.external_id))

    outcome = replay(letter, sam)

    message.refresh_from_db()
    assert outcome.is_done
    assert message.read_at is not None
    assert letter.message == message
