"""Tampering with the journal is found, and named by its kind (reliability S10)."""

from __future__ import annotations

import pytest

from conversations.keys import journal_key, seal_of
from conversations.models import Conversation, JournalEntry, MessageText
from conversations.services import verification_pages
from conversations.services.journal import body_of
from conversations.services.verification import FaultKind, verify_journal, verify_recent
from tests.conversations import histories
from tests.conversations.histories import tamper

pytestmark = pytest.mark.django_db


def first_fault(conversation: str = "conv-1") -> tuple[FaultKind, str, int]:
    (fault,) = verify_journal().faults
    assert fault.conversation == conversation
    return fault.kind, fault.conversation, fault.seq


def row(seq: int, conversation: str = "conv-1") -> int:
    return JournalEntry.objects.get(conversation__external_id=conversation, seq=seq).pk


def test_an_untouched_journal_holds_in_every_entry_and_chain():
    histories.conversation("conv-1")
    histories.conversation("conv-2", messages=2)

    report = verify_journal()

    assert report.holds
    assert (report.entries, report.valid_entries) == (25, 25)
    assert (report.chains, report.valid_chains) == (2, 2)
    assert report.texts == 10


def test_nothing_recorded_yet_holds():
    assert verify_journal().holds


@pytest.mark.parametrize("size", [1, 2, 7])
def test_where_the_pages_end_makes_no_difference(size: int, monkeypatch: pytest.MonkeyPatch):
    histories.conversation("conv-1")
    histories.conversation("conv-2", messages=1)
    monkeypatch.setattr(verification_pages, "PAGE", size)

    report = verify_journal()

    assert report.holds
    assert (report.entries, report.chains) == (20, 2)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'confirmed'",
        "actor = 'somebody'",
        "at = '2020-01-01 00:00:00+00:00'",
        "message_id = NULL",
        "data = '{}'",
        "commitment = ''",
        "digest = ''",
    ],
)
def test_a_changed_value_is_found(change: str):
    histories.conversation()

    tamper("UPDATE conversations_journalentry SET " + change + " WHERE id = %s", [row(2)])  # noqa: S608

    assert first_fault() == (FaultKind.CHANGED, "conv-1", 2)


@pytest.mark.parametrize("at", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC"])
def test_a_time_that_cannot_be_read_is_a_changed_one(at: str):
    conversation = histories.conversation()

    tamper("UPDATE conversations_journalentry SET at = %s WHERE id = %s", [at, row(2)])

    report = verify_journal()
    assert first_fault() == (FaultKind.CHANGED, "conv-1", 2)
    assert (report.entries, report.valid_entries) == (15, 14)
    assert not verify_recent(conversation.pk, limit=50).holds


def test_a_deleted_entry_is_missing():
    histories.conversation()

    tamper("DELETE FROM conversations_journalentry WHERE id = %s", [row(4)])

    assert first_fault() == (FaultKind.MISSING, "conv-1", 4)


def test_a_deleted_entry_is_found_after_the_gap_was_closed():
    histories.conversation(messages=1)
    deleted, moved = row(4), row(5)

    tamper("DELETE FROM conversations_journalentry WHERE id = %s", [deleted])
    tamper("UPDATE conversations_journalentry SET seq = 4 WHERE id = %s", [moved])

    assert first_fault() == (FaultKind.REORDERED, "conv-1", 4)


def test_two_entries_that_changed_places_are_found():
    histories.conversation(messages=1)
    first, second = row(2), row(3)

    tamper("UPDATE conversations_journalentry SET seq = 99 WHERE id = %s", [first])
    tamper("UPDATE conversations_journalentry SET seq = 2 WHERE id = %s", [second])
    tamper("UPDATE conversations_journalentry SET seq = 3 WHERE id = %s", [first])

    assert first_fault() == (FaultKind.REORDERED, "conv-1", 2)


def test_the_last_entries_cut_off_are_found():
    histories.conversation(messages=1)

    tamper("DELETE FROM conversations_journalentry WHERE id = %s", [row(5)])

    assert first_fault() == (FaultKind.CUT_OFF, "conv-1", 5)


def test_a_conversation_without_any_entry_left_is_found():
    histories.conversation("conv-1", messages=1)
    histories.conversation("conv-2", messages=1)
    emptied = Conversation.objects.get(external_id="conv-1").pk

    tamper("DELETE FROM conversations_journalentry WHERE conversation_id = %s", [emptied])

    assert first_fault() == (FaultKind.CUT_OFF, "conv-1", 1)
    assert verify_journal().valid_chains == 1


def test_an_entry_moved_into_another_conversation_is_found():
    histories.conversation("conv-1", messages=1)
    other = histories.conversation("conv-2", messages=1)
    moved = row(5)

    tamper(
        "UPDATE conversations_journalentry SET conversation_id = %s, seq = 6 WHERE id = %s",
        [other.pk, moved],
    )

    kinds = {(fault.conversation, fault.kind) for fault in verify_journal().faults}
    assert kinds == {("conv-1", FaultKind.CUT_OFF), ("conv-2", FaultKind.REORDERED)}


def test_a_head_set_back_is_found():
    conversation = histories.conversation(messages=1)

    tamper("UPDATE conversations_conversation SET seq = 3 WHERE id = %s", [conversation.pk])

    assert first_fault() == (FaultKind.HEAD_CHANGED, "conv-1", 3)


def test_a_renamed_conversation_is_found():
    conversation = histories.conversation(messages=1)

    tamper(
        "UPDATE conversations_conversation SET external_id = 'other' WHERE id = %s",
        [conversation.pk],
    )

    assert first_fault("other") == (FaultKind.CHANGED, "other", 1)


@pytest.mark.parametrize("role", ["original", "translated"])
def test_a_changed_text_is_found(role: str):
    histories.conversation(messages=1)
    text = MessageText.objects.get(role=role)

    tamper("UPDATE conversations_messagetext SET text = 'No' WHERE id = %s", [text.pk])

    expected = {"original": 1, "translated": 2}[role]
    assert first_fault() == (FaultKind.TEXT_CHANGED, "conv-1", expected)
    assert verify_journal(check_texts=False).holds


PUT_IN = (
    "INSERT INTO conversations_messagetext (message_id, role, language, text, salt) "
    "SELECT id, %s, 'en', 'I refuse', %s FROM conversations_message WHERE seq = 6"
)


@pytest.mark.parametrize("role", ["delivered", "typed"])
def test_a_text_that_no_entry_binds_is_found(role: str):
    conversation = histories.conversation(messages=2)

    tamper(PUT_IN, [role, b"0" * 16])

    assert first_fault() == (FaultKind.TEXT_CHANGED, "conv-1", 6)
    assert not verify_journal().holds
    assert not verify_journal(conversation="conv-1").holds
    assert not verify_recent(conversation.pk, limit=6).holds


@pytest.mark.parametrize("role", ["original", "translated"])
def test_a_text_that_is_gone_and_was_not_erased_is_found(role: str):
    conversation = histories.conversation(messages=2)
    tamper("UPDATE conversations_attributeaudit SET text_id = NULL")

    tamper(
        "DELETE FROM conversations_messagetext WHERE role = %s AND message_id = "
        "(SELECT id FROM conversations_message WHERE seq = 6)",
        [role],
    )

    expected = {"original": 6, "translated": 7}[role]
    assert first_fault() == (FaultKind.TEXT_CHANGED, "conv-1", expected)
    assert not verify_recent(conversation.pk, limit=5).holds


def test_a_message_moved_into_another_conversation_is_found():
    histories.conversation("conv-1", messages=1)
    other = histories.conversation("conv-2", messages=1)

    tamper(
        "UPDATE conversations_message SET conversation_id = %s, seq = 99 WHERE external_id = %s",
        [other.pk, "conv-1-guest-1"],
    )

    assert first_fault("conv-2") == (FaultKind.TEXT_CHANGED, "conv-2", 99)


def test_a_conversation_put_in_whole_is_found():
    conversation = histories.conversation(messages=1)
    forged = Conversation.objects.create(
        external_id="conv-x",
        created_at=conversation.created_at,
        last_event_at=conversation.last_event_at,
    )

    tamper(
        "UPDATE conversations_message SET conversation_id = %s WHERE external_id = %s",
        [forged.pk, "conv-1-guest-1"],
    )

    report = verify_journal()
    assert first_fault("conv-x") == (FaultKind.TEXT_CHANGED, "conv-x", 1)
    assert (report.chains, report.valid_chains) == (2, 1)


def test_a_genuine_entry_beside_another_is_a_fork():
    histories.conversation(messages=1)
    first, third = JournalEntry.objects.get(seq=1), JournalEntry.objects.get(seq=3)
    body = body_of(
        conversation="conv-1",
        seq=3,
        kind=third.kind,
        actor=third.actor,
        at=third.at,
        message_id=third.message_id,
        data=third.data,
        commitment=third.commitment,
        previous=first.digest,
    )
    digest = seal_of(journal_key()).digest(body)

    tamper(
        "UPDATE conversations_journalentry SET previous = %s, digest = %s WHERE id = %s",
        [first.digest, digest, third.pk],
    )

    assert first_fault() == (FaultKind.FORKED, "conv-1", 3)


@pytest.mark.postgresql_only  # SQLite drops no constraint
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_a_second_entry_of_a_number_is_found_wherever_the_pages_end(
    size: int, monkeypatch: pytest.MonkeyPatch
):
    histories.conversation(messages=1)
    monkeypatch.setattr(verification_pages, "PAGE", size)
    tamper("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the end would forbid the next
    tamper("ALTER TABLE conversations_journalentry DROP CONSTRAINT journal_seq_once")
    columns = (
        "conversation_id, seq, kind, actor, at, message_id, data, commitment, previous, digest"
    )
    for _ in range(2):
        tamper(
            f"INSERT INTO conversations_journalentry ({columns}) "  # noqa: S608 - columns of ours
            f"SELECT {columns} FROM conversations_journalentry WHERE seq = 3 ORDER BY id LIMIT 1"
        )

    report = verify_journal()

    assert (report.entries, report.valid_entries) == (7, 5)
    assert [(fault.kind, fault.seq) for fault in report.faults] == [(FaultKind.FORKED, 3)]


def test_an_erased_text_leaves_the_chain_valid():
    histories.conversation(messages=1)

    tamper("UPDATE conversations_attributeaudit SET text_id = NULL")
    tamper("DELETE FROM conversations_messagetext")
    tamper("UPDATE conversations_message SET erased_at = sent_at")

    report = verify_journal()
    assert report.holds
    assert report.texts == 0


def test_another_key_makes_every_entry_invalid(settings):
    histories.conversation(messages=1)

    settings.JOURNAL_KEY = "another-key-of-more-than-enough-characters"

    assert verify_journal().valid_entries == 0


def test_one_conversation_is_verified_on_its_own():
    histories.conversation("conv-1", messages=1)
    histories.conversation("conv-2", messages=1)

    tamper("DELETE FROM conversations_journalentry WHERE id = %s", [row(3, "conv-2")])

    assert verify_journal(conversation="conv-1").holds
    assert not verify_journal(conversation="conv-2").holds


def test_the_end_of_a_long_chain_is_verified_for_a_page():
    conversation = histories.conversation(messages=3)

    report = verify_recent(conversation.pk, limit=4)

    assert report.holds
    assert (report.entries, report.is_whole) == (4, False)


def test_a_page_does_not_call_a_short_chain_whole_when_its_start_is_missing():
    conversation = histories.conversation(messages=1)

    tamper("DELETE FROM conversations_journalentry WHERE id = %s", [row(1)])

    (fault,) = verify_recent(conversation.pk, limit=50).faults
    assert (fault.kind, fault.seq) == (FaultKind.MISSING, 1)
