"""What the platform tells is stored once, in its order, whatever it is (protocol §1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conversations.genesys.events import ContextChanged, Malformed, MessageReceived, Participant
from conversations.models import Conversation, DeadLetter, JournalEntry, Message, MessageText
from tests.conversations.services.wire import (
    AGENT,
    GUEST,
    assert_journal_holds,
    event,
    parsed,
    receipt,
    record,
    recorded,
    wire_frame,
)

pytestmark = pytest.mark.django_db
T = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
ANN = Participant("agent-2", "agent", "Ann")
Pending = Message.TranslationState.PENDING


def texts() -> list[str]:
    rows = Message.objects.spoken().in_order()
    return [row.texts.get(role="original").text for row in rows]


def test_a_guests_message_awaits_its_translation_and_wakes_a_worker():
    before = datetime.now(UTC)

    done = record(event("Hola", id="m-1"))

    message = Message.objects.get()
    assert (done.stored, done.work) == (1, True)
    assert (message.origin, message.translation_state) == ("guest", Pending)
    assert message.conversation.work_at is not None
    assert message.conversation.work_at >= before


def test_an_agents_message_is_recorded_and_never_translated():
    done = record(event("Good morning", sender=AGENT))

    message = Message.objects.get()
    assert (message.origin, message.translation_state) == ("agent", "")
    assert not done.work
    assert message.conversation.work_at is None
    assert message.conversation.agent_name == "Tom"


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_a_late_message_of_an_earlier_agent_does_not_take_the_conversation_back(together: bool):
    record(event("Hello", sender=AGENT, id="a-1", sent_at=T))
    now = event("Here I am", sender=ANN, id="b-1", sent_at=T + timedelta(seconds=9))
    late = event("Ann takes over", sender=AGENT, id="a-2", sent_at=T + timedelta(seconds=8),
                 backfilled=True)  # fmt: skip

    if together:
        record(now, late)
    else:
        record(now)
        record(late)

    conversation = Conversation.objects.get()
    assert (conversation.agent_id, conversation.agent_name) == ("agent-2", "Ann")
    assert Message.objects.count() == 3


def test_a_late_message_of_the_next_agent_still_hands_the_conversation_over():
    record(event("Hello", sender=AGENT, id="a-1", sent_at=T))
    record(event("Hola", id="m-1", sent_at=T + timedelta(seconds=9)))

    record(event("Here I am", sender=ANN, id="b-1", sent_at=T + timedelta(seconds=5)))

    assert Conversation.objects.get().agent_id == "agent-2"


def test_an_event_without_a_name_leaves_the_known_one():
    record(event("Hola"), event("Hello", sender=AGENT))

    record(event("¿Sí?", sender=replace(GUEST, name="")))
    record(event("Yes?", sender=replace(AGENT, name="")))

    conversation = Conversation.objects.get()
    assert (conversation.guest_name, conversation.agent_name) == ("Maria", "Tom")


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_a_message_without_words_is_recorded_and_not_translated(text: str):
    done = record(event(text, id="m-1"))

    message = Message.objects.get()
    assert (message.has_text, message.translation_state, done.work) == (False, "", False)


def test_a_missing_text_is_recorded_like_an_empty_one():
    record(parsed(text=None))

    assert not Message.objects.get().has_text


def test_ten_thousand_characters_are_kept_to_the_last():
    text = "ñ" * 9_999 + "!"

    record(event(text))

    assert MessageText.objects.get().text == text


@pytest.mark.parametrize(
    ("wire", "kept"),
    [
        ("a\x00b", "a\u2400b"),
        ("a\ud800b", "a\ufffdb"),
        ("👩‍👧 مرحبا 你好", "👩‍👧 مرحبا 你好"),
        ("e\u0301", "e\u0301"),
        ("'; DROP TABLE x; -- %s", "'; DROP TABLE x; -- %s"),
    ],
)
def test_every_text_that_parses_can_be_stored(wire: str, kept: str):
    record(parsed(text=wire))

    assert MessageText.objects.get().text == kept


def test_unstorable_characters_in_ids_and_names_do_not_stop_the_batch():
    odd = parsed(id="m\x00", **{"from": {"id": "g\x00", "type": "guest", "name": "M\x00\ud800"}})

    record(odd, event("Hola", id="m-2"))

    assert Message.objects.count() == 2


@pytest.mark.parametrize("field", ["conversationId", "id", "from"])
def test_an_id_longer_than_the_column_becomes_a_dead_letter_alone(field: str):
    long = "x" * 201
    value = {"id": long, "type": "guest"} if field == "from" else long
    frame = wire_frame(**{field: value})

    done = record(parsed(**{field: value}), event("Hola", id="m-2", conversation="conv-2"))

    letter = DeadLetter.objects.get()
    assert (done.stored, done.malformed) == (1, 1)
    assert (letter.kind, letter.stream) == ("frame", "messaging")
    assert (bytes(letter.body.body), letter.size) == (frame.encode(), len(frame))
    assert not Conversation.objects.filter(external_id=long).exists()


def test_a_longer_name_than_the_column_is_cut():
    record(parsed(**{"from": {"id": "guest-1", "type": "guest", "name": "M" * 255}}))

    assert len(Message.objects.get().sender_name) == 200


def test_a_malformed_frame_is_kept_with_its_beginning_and_its_size():
    record(Malformed(raw=b"\x00\xff" * 40_000, reason="not JSON", size=3_000_000))

    letter = DeadLetter.objects.get()
    assert (len(bytes(letter.body.body)), letter.size, letter.reason) == (
        65_536,
        3_000_000,
        "not JSON",
    )


# --- once ---------------------------------------------------------------------------------------


def test_a_repeated_id_is_stored_once_in_a_batch_and_across():
    said = event("Hola", id="m-1", sent_at=T)

    first, second = record(said, said), record(said)

    assert Message.objects.count() == 1
    assert (first.stored, first.repeated, second.stored, second.repeated) == (1, 1, 0, 1)
    assert not second.work
    assert not second.moved


def test_without_an_id_a_repeat_is_known_by_sender_time_and_text():
    said = event("Hola", sent_at=T)

    record(said, said)
    record(said)

    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        event("Hola!", sent_at=T),
        event("Hola", sent_at=T + timedelta(milliseconds=1)),
        event("Hola", sent_at=T, sender=Participant("guest-2", "guest")),
        event("Hola", sent_at=T, conversation="conv-2"),
    ],
    ids=["text", "time", "sender", "conversation"],
)
def test_without_an_id_what_differs_is_another_message(other: MessageReceived):
    record(event("Hola", sent_at=T), other)

    assert Message.objects.count() == 2


def test_an_id_that_is_learned_later_is_still_the_same_message():
    record(event("Hola", sent_at=T))

    done = record(event("Hola", id="m-1", sent_at=T, backfilled=True))

    assert (Message.objects.count(), done.repeated) == (1, 1)


def test_an_id_that_is_lost_later_is_still_the_same_message():
    record(event("Hola", id="m-1", sent_at=T))

    done = record(event("Hola", sent_at=T))

    assert (Message.objects.count(), done.repeated) == (1, 1)


def test_equal_texts_under_two_ids_are_two_messages():
    record(event("Hola", id="m-1", sent_at=T), event("Hola", id="m-2", sent_at=T))

    assert Message.objects.count() == 2


def test_one_id_in_two_conversations_is_two_messages():
    record(event("Hola", id="m-1"), event("Hola", id="m-1", conversation="conv-2"))

    assert Message.objects.count() == 2


# --- order and journal --------------------------------------------------------------------------


def test_the_order_of_frames_is_the_order_of_the_conversation():
    record(*(event(f"{number}", id=f"m-{number}") for number in (1, 3, 2)))
    record(event("0", id="m-0", sent_at=T, backfilled=True))

    assert texts() == ["1", "3", "2", "0"]


def test_the_journal_is_gap_free_and_chained_over_many_batches():
    for batch in range(4):
        record(
            *(event(f"{batch}-{number}", conversation=f"conv-{number % 3}") for number in range(5))
        )

    assert JournalEntry.objects.count() == 20
    assert_journal_holds()


def test_the_journal_never_holds_a_text():
    record(event("unmistakable words", id="m-1"))

    entry = JournalEntry.objects.get()
    assert "unmistakable" not in entry.data
    assert len(entry.commitment) == 64


def test_what_moved_names_each_conversation_with_its_head():
    done = record(event("1"), event("2"), event("3", conversation="conv-2"))

    heads = Conversation.objects.values_list("pk", "seq")
    assert sorted(done.moved) == sorted(heads)


def test_a_message_reopens_a_closed_conversation():
    message = recorded()
    Conversation.objects.update(state="closed")

    record(event("Otra vez"))

    message.conversation.refresh_from_db()
    assert message.conversation.state == "open"


# --- read receipts ------------------------------------------------------------------------------


def test_a_read_receipt_marks_its_message_once():
    record(event("Hola", id="m-1"), receipt("m-1"))
    first = Message.objects.get().read_at

    record(receipt("m-1"))

    assert first is not None
    assert Message.objects.get().read_at == first
    assert list(JournalEntry.objects.order_by("seq").values_list("kind", flat=True)) == [
        "received",
        "read",
    ]
    assert_journal_holds()


def test_a_read_receipt_of_an_unknown_message_changes_nothing():
    recorded("Hola", id="m-1")

    done = record(receipt("m-9"))

    assert not done.moved
    assert Message.objects.get().read_at is None


def test_nothing_is_nothing():
    assert record().moved == []


def test_the_language_that_a_guests_page_prefers_counts_until_they_write():
    recorded("Hola")
    record(ContextChanged("conv-1", "pt-BR"), ContextChanged("unknown", "fr"))

    conversation = Conversation.objects.get()
    assert (conversation.guest_language, conversation.language_basis) == ("pt-BR", "context")
    assert JournalEntry.objects.get(kind="language").actor == "gateway"
    record(ContextChanged("conv-1", "pt-BR"), ContextChanged("conv-1", "nonsense!"))
    assert JournalEntry.objects.filter(kind="language").count() == 1
    assert_journal_holds()
