"""A guest is erased: nothing that they said or were told is left, and the chain still holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.exports.base import Scope
from conversations.exports.transcripts import transcript_rows
from conversations.genesys.events import (
    Attachment,
    Malformed,
    MessageReceived,
)
from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetterBody,
    Delivery,
    Erasure,
    JournalEntry,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.net import faultpoints
from conversations.services import guest_erasure
from conversations.services.guest_erasure import (
    ErasureRefused,
    request_erasure,
    run_erasure,
)
from conversations.services.holds import lift_holds, place_holds
from conversations.services.recording import record_events
from conversations.services.verification import verify_journal
from conversations.signals import texts_erased
from tests.conversations import histories
from tests.conversations.services.erased import erase, event, fields

pytestmark = pytest.mark.django_db


def tombstones(conversation: str = "conv-1") -> list[dict[str, Any]]:
    entries = JournalEntry.objects.filter(
        conversation__external_id=conversation, kind=JournalEntry.Kind.ERASED
    )
    return [json.loads(entry.data) for entry in entries.order_by("seq")]


def test_what_a_guest_said_and_was_told_is_gone_and_the_proof_stays():
    histories.conversation("conv-1", messages=2)
    histories.said("It was kept for you.", by="agent")
    other = histories.said("Bonjour", conversation="conv-2")
    Conversation.objects.filter(external_id="conv-2").update(guest_id="guest-2")
    before = JournalEntry.objects.count()

    erasure = erase()

    assert (erasure.state, erasure.messages, erasure.texts) == ("finished", 3, 5)
    assert list(MessageText.objects.values_list("message_id", flat=True)) == [other.pk]
    assert not AttributeAudit.objects.exclude(text=None).exists()
    assert AttributeAudit.objects.count() == 2
    conversation = Conversation.objects.get(external_id="conv-1")
    assert conversation.guest_name == ""
    assert conversation.guest_id.startswith("erased:")
    mine = Message.objects.filter(conversation=conversation)
    assert set(mine.filter(origin="guest").values_list("sender_name", flat=True)) == {""}
    assert mine.get(origin="agent").sender_name == "Tom"
    assert verify_journal().holds
    assert JournalEntry.objects.count() == before + 4
    whole, *each = tombstones()
    assert whole == {"by": "request", "erasure": erasure.pk, "reason": "request 4711"}
    assert each == [{"by": "request", "erasure": erasure.pk}] * 3


def test_an_export_says_since_when_a_text_is_erased():
    histories.conversation("conv-1", messages=1)

    erase()

    (row,) = transcript_rows(Scope())
    assert (row["original_text"], row["translated_text"], row["sender_name"]) == (None, None, None)
    assert row["attributes_after"]["originalText"] is None
    assert row["erased_at"] is not None


def test_a_second_run_changes_nothing():
    histories.conversation("conv-1", messages=1)
    erase()
    before = JournalEntry.objects.count()

    again = erase()

    assert (again.state, again.messages, again.conversations) == ("finished", 0, 0)
    assert JournalEntry.objects.count() == before


def test_the_same_request_twice_is_one():
    histories.conversation("conv-1", messages=1)

    first, second = (request_erasure("guest-1", reason="r", actor="console") for _ in range(2))

    assert first == second


def test_a_request_that_names_more_than_the_one_that_waits_is_one_of_its_own():
    histories.conversation("conv-1", messages=1)
    call = histories.conversation("call-1", messages=1)
    Conversation.objects.filter(pk=call.pk).update(guest_id="")
    first = request_erasure("guest-1", reason="r", actor="console")

    second = request_erasure("guest-1", reason="r", actor="console", named=["call-1"])
    third = request_erasure("guest-1", reason="r", actor="console", named=["call-1"])
    for one in (first, second):
        run_erasure(one)

    assert third == second != first
    assert not MessageText.objects.exists()
    assert (first.conversations, second.conversations) == (1, 1)


def test_what_was_said_since_the_request_that_waits_is_erased_by_the_next():
    histories.conversation("conv-1", messages=1)
    first = request_erasure("guest-1", reason="r", actor="console")
    histories.said("Otra cosa", number=7, sent_at=first.requested_at + timedelta(seconds=1))

    second = request_erasure("guest-1", reason="r", actor="console")
    for one in (first, second):
        run_erasure(one)

    assert second != first
    assert not MessageText.objects.exists()


def test_a_guest_nobody_knows_is_refused():
    with pytest.raises(ErasureRefused, match="There is no guest"):
        request_erasure("nobody", reason="request 1", actor="console")


@pytest.mark.parametrize("reason", ["", "  ", "asked by Maria", "GUEST-1 asked"])
def test_a_reason_is_needed_and_names_nobody(reason: str):
    histories.conversation("conv-1", messages=1)

    with pytest.raises(ErasureRefused, match="reason"):
        request_erasure("guest-1", reason=reason, actor="console")

    assert not Erasure.objects.exists()


def test_a_legal_hold_refuses_all_of_it_until_it_is_lifted():
    histories.conversation("conv-1", messages=1)
    held = histories.conversation("conv-2", messages=1)
    user = histories.user("cora", "compliance")
    place_holds([held.pk], user=user, reason="case 12")

    with pytest.raises(ErasureRefused, match="legal hold keeps conv-2"):
        erase()
    assert MessageText.objects.count() == 4

    lift_holds([held.holds.get().pk], user=user, reason="case closed")
    assert erase().conversations == 2


def test_a_hold_placed_while_it_runs_stops_it(monkeypatch: pytest.MonkeyPatch):
    histories.conversation("conv-1", messages=3)
    user = histories.user("cora", "compliance")
    erasure = request_erasure("guest-1", reason="request 1", actor="console")
    place_holds([Conversation.objects.get().pk], user=user, reason="case 12")

    run_erasure(erasure)

    assert (erasure.state, erasure.guest_id) == ("refused", "")
    assert "legal hold keeps conv-1" in erasure.note
    assert MessageText.objects.count() == 6


@pytest.fixture
def asked() -> Iterator[list[list[int]]]:
    """Whose export files were asked for, each time."""
    found: list[list[int]] = []

    def remove(conversation_ids: list[int], **_: Any) -> int:
        found.append(conversation_ids)
        return 1

    texts_erased.connect(remove)
    yield found
    texts_erased.disconnect(remove)


def test_a_hold_on_a_later_conversation_is_seen_before_the_first_is_erased(
    asked: list[list[int]],
):
    histories.conversation("conv-1", messages=1)
    held = histories.conversation("conv-2", messages=1)
    erasure = request_erasure("guest-1", reason="request 1", actor="console")
    place_holds([held.pk], user=histories.user("cora", "compliance"), reason="case 12")

    run_erasure(erasure)

    assert (erasure.state, erasure.messages, asked) == ("refused", 0, [])
    assert "Nothing is erased until it is lifted" in erasure.note
    assert MessageText.objects.count() == 4


def test_what_was_erased_before_a_hold_came_is_erased_wholly_and_named(
    asked: list[list[int]], monkeypatch: pytest.MonkeyPatch
):
    first = histories.conversation("conv-1", messages=1)
    held = histories.conversation("conv-2", messages=1)
    frames = [
        Malformed(raw=b'{"conversationId": "conv-%d' % number, reason="cut", size=24)
        for number in (1, 2)
    ]
    record_events(frames, stream="messaging")
    erasure = request_erasure("guest-1", reason="request 1", actor="console")
    user, erase_one = histories.user("cora", "compliance"), guest_erasure._erase_conversation

    def hold_the_second(erasure: Erasure, pk: int) -> Iterator[int]:
        if pk == held.pk:
            place_holds([pk], user=user, reason="case 12")
        return erase_one(erasure, pk)

    monkeypatch.setattr(guest_erasure, "_erase_conversation", hold_the_second)
    run_erasure(erasure)

    assert (erasure.state, erasure.extracts, erasure.export_files) == ("refused", 1, 1)
    assert "legal hold keeps conv-2" in erasure.note
    assert "erased before it: conv-1" in erasure.note
    assert "Nothing is erased" not in erasure.note
    assert asked == [[first.pk]]
    assert b"conv-2" in bytes(DeadLetterBody.objects.get().body)
    texts = MessageText.objects.values_list("message__conversation_id", flat=True)
    assert set(texts) == {held.pk}


def test_files_and_what_dead_letters_hold_go_as_well():
    said = event("see", at=timezone.now(), number=1)
    file = Attachment(id="f", name="Maria.pdf", content_type="application/pdf", size=1, url="u")
    record_events([MessageReceived(**fields(said) | {"attachments": (file,)})], stream="messaging")
    message = Message.objects.get()
    histories.translated(message, "see")
    histories.left_in(message, Delivery.State.FAILED, reason="gone")
    record_events(
        [
            Malformed(raw=b'{"conversationId": "conv-1", "text": "Maria', reason="cut", size=43),
            Malformed(raw=b'{"conversationId": "conv-2", "text": "Anna', reason="cut", size=42),
        ],
        stream="messaging",
    )

    erasure = erase()

    assert not MessageAttachment.objects.exists()
    assert (erasure.attachments, erasure.extracts) == (1, 1)
    assert b"Anna" in bytes(DeadLetterBody.objects.get().body)


def test_files_of_exports_are_asked_for_before_it_counts_as_done():
    histories.conversation("conv-1", messages=1)
    asked: list[tuple[list[int], str]] = []

    def remove(conversation_ids: list[int], reason: str, **_: Any) -> int:
        asked.append((conversation_ids, Erasure.objects.get().state))
        return 2

    texts_erased.connect(remove)
    try:
        erasure = erase()
    finally:
        texts_erased.disconnect(remove)

    assert asked == [([Conversation.objects.get().pk], "running")]
    assert erasure.export_files == 2


def test_a_run_that_fails_over_an_export_is_gone_on_from():
    histories.conversation("conv-1", messages=1)

    def fail(**_: Any) -> int:
        raise OSError("disk")

    texts_erased.connect(fail)
    try:
        with pytest.raises(OSError, match="disk"):
            erase()
    finally:
        texts_erased.disconnect(fail)
    (waiting,) = Erasure.objects.unfinished()

    asked: list[list[int]] = []

    def remove(conversation_ids: list[int], **_: Any) -> None:
        asked.append(conversation_ids)

    texts_erased.connect(remove)
    try:
        run_erasure(waiting)
    finally:
        texts_erased.disconnect(remove)
    assert asked == [[Conversation.objects.get().pk]]
    assert waiting.state == "finished"


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_dies_before_its_tombstones_has_erased_whole_batches_only(
    nth: int, monkeypatch: pytest.MonkeyPatch
):
    histories.conversation("conv-1", messages=5)
    monkeypatch.setattr(guest_erasure, "BATCH", 2)
    erasure = request_erasure("guest-1", reason="request 1", actor="console")

    faultpoints.arm(f"K13:{nth}:raise")
    try:
        with pytest.raises(faultpoints.FaultRaised):
            run_erasure(erasure)
    finally:
        faultpoints.disarm()
    left = MessageText.objects.filter(role="original").count()
    assert left == 5 - 2 * (nth - 1)
    assert len(tombstones()) == (2 * (nth - 1) + 1 if nth > 1 else 0)

    run_erasure(erasure)

    assert (erasure.state, erasure.messages, erasure.conversations) == ("finished", 5, 1)
    assert len(tombstones()) == 6
    assert not MessageText.objects.exists()
    assert verify_journal().holds


# --- the command --------------------------------------------------------------------------------
def test_the_command_says_what_it_erased(capsys: pytest.CaptureFixture[str]):
    histories.conversation("conv-1", messages=2)

    call_command("erase_guest", "guest-1", "--reason", "request 9", "--dry-run")
    assert "would erase 2 messages of 1 conversations, 1 of them open" in capsys.readouterr().out
    assert MessageText.objects.count() == 4

    call_command("erase_guest", "guest-1", "--reason", "request 9")
    assert "erased 2 messages of 1 conversations: 4 texts" in capsys.readouterr().out
    call_command("erase_guest", "guest-1", "--reason", "request 9")
    assert "nothing is left of this guest" in capsys.readouterr().out


def test_the_command_names_the_hold_that_refuses(capsys: pytest.CaptureFixture[str]):
    held = histories.conversation("conv-1", messages=1)
    place_holds([held.pk], user=histories.user("cora"), reason="case 12")

    with pytest.raises(CommandError, match="A legal hold keeps conv-1") as refused:
        call_command("erase_guest", "guest-1", "--reason", "request 9")

    assert refused.value.returncode == 2
