"""The audit of what was said: as an export, and on the console while it is said."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from assist.models import AssistWatch, KnowledgeFailure
from assist.services.ending import end_call
from conversations.models import Conversation, MessageText
from tests.assist.histories import say
from tests.conversations import histories

pytestmark = pytest.mark.django_db

KEYS = [
    "timestamp", "interactionId", "text", "confidence", "latencyMs", "redactionActive", "metrics",
]  # fmt: skip


def exported(*arguments: str) -> list[dict]:
    out = StringIO()
    call_command("export", "transcription", "--output", "-", *arguments, stdout=out,
                 stderr=StringIO())  # fmt: skip
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_final_chunk_is_a_row_late_ones_included() -> None:
    say("call-1", "my card is [CARD]", kinds=(("CARD", 1),))
    say("call-1", "overdue", latency_ms=2000)
    say("call-2", "elsewhere")

    rows = exported("--conversation", "call-1")

    assert list(rows[0])[: len(KEYS)] == KEYS
    assert [row["text"] for row in rows] == ["my card is [CARD]", "overdue"]
    assert (rows[0]["redactions"], rows[1]["late"]) == ({"CARD": 1}, True)
    assert rows[0]["metrics"] == {"avgLatencyMs": 100, "avgConfidence": 0.9, "active": 1}
    assert len(rows[0]["journalDigest"]) == 64
    assert len(exported()) == 3


def test_an_erased_text_is_null_and_its_row_stays() -> None:
    say("call-1", "forget me")
    MessageText.objects.all().delete()

    [row] = exported()

    assert row["text"] is None


def test_the_console_prints_what_was_heard_and_ends_with_the_call() -> None:
    say("call-1", "good morning")
    call = Conversation.objects.get()
    KnowledgeFailure.objects.create(conversation=call, error="status 503", at=timezone.now())
    end_call("call-1")
    out, err = StringIO(), StringIO()

    call_command("assist", "call-1", stdout=out, stderr=err)

    chunk, failure = [json.loads(line) for line in out.getvalue().splitlines()]
    assert chunk["text"] == "good morning"
    assert (failure["type"], failure["error"]) == ("knowledge_sync_failure", "status 503")
    assert "the call has ended" in err.getvalue()


def test_the_console_marks_the_call_as_wanted_and_says_whose_it_is() -> None:
    call_command("assist", "call-9", "--agent", "agent-1", "--seconds", "0.01",
                 stdout=StringIO(), stderr=StringIO())  # fmt: skip

    assert AssistWatch.objects.get().interaction_id == "call-9"
    call = Conversation.objects.get(external_id="call-9")
    assert (call.channel, call.agent_id) == ("voice", "agent-1")


def test_a_written_conversation_is_no_call() -> None:
    written = histories.conversation(messages=1)

    with pytest.raises(CommandError, match="not a call"):
        call_command("assist", written.external_id)
