"""Planted words are in no table and no file of the database after an erasure (S20, G15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from assist.models import Chunk, Suggestion
from conversations.genesys.events import Attachment, Malformed, MessageReceived, Participant
from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetterBody,
    Delivery,
    Message,
)
from conversations.services.attributes import RecordAttributes
from conversations.services.guest_erasure import request_erasure, run_erasure
from conversations.services.recording import record_events
from conversations.services.unit import apply_changes
from conversations.services.verification import verify_journal
from tests.conversations import histories

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = "original translated name file address frame letter article guest answer body"
WORDS = [f"canary-{name}-7f3a9c" for name in NAMES.split()]


def plant() -> None:
    said = MessageReceived(
        conversation_id="conv-1",
        external_id="m-1",
        sender=Participant(WORDS[8], "guest", WORDS[2]),
        recipient=None,
        text=WORDS[0],
        sent_at=timezone.now(),
        attachments=(Attachment(id="f", name=WORDS[3], content_type="", size=1, url=WORDS[4]),),
        raw={},
    )
    record_events([said], stream="messaging")
    message = Message.objects.get()
    delivery = histories.translated(message, WORDS[1])
    record_events(
        [
            MessageReceived(
                conversation_id="conv-1",
                external_id="x-1",
                sender=Participant(WORDS[8], "guest", WORDS[2]),
                recipient=None,
                text=WORDS[1],
                sent_at=timezone.now(),
                raw={},
            )
        ],
        stream="messaging",
    )
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CONFIRMED
    refused = RecordAttributes(
        message.conversation_id,
        message.pk,
        "",
        original_language="ES",
        target_language="en-US",
        translation_timestamp=timezone.now(),
        http_status=400,
        reason="refused for good with status 400",
        body=WORDS[10],
    )
    apply_changes([refused], actor="worker")
    AttributeAudit.objects.update(answer=WORDS[9])  # as a platform could quote it
    raw = f'{{"conversationId": "conv-1", "text": "{WORDS[5]}'.encode()
    record_events([Malformed(raw=raw, reason="cut", size=len(raw))], stream="messaging")
    second = histories.said("dos", number=2)
    histories.not_translated(second)
    letter = second.dead_letters.get()
    DeadLetterBody.objects.create(dead_letter=letter, body=WORDS[6].encode())
    Conversation.objects.filter(external_id="conv-1").update(guest_id=WORDS[8])
    chunk = Chunk.objects.create(
        message=message,
        conversation=message.conversation,
        media_at=timezone.now(),
        received_at=timezone.now(),
        latency_ms=1,
        average_latency_ms=1,
        active_streams=1,
    )
    Suggestion.objects.create(
        chunk=chunk, place=1, title=WORDS[7], latency_ms=1, found_at=timezone.now()
    )


def tables() -> str:
    """Every value of every row."""
    found = []
    for model in apps.get_models():
        for row in model._default_manager.values_list():
            for value in row:
                is_bytes = isinstance(value, bytes | memoryview)
                found.append(bytes(value).decode("utf-8", "replace") if is_bytes else str(value))
    return "\n".join(found)


def files() -> Iterator[bytes]:
    """The database's own, its log with it; a server's pages are the server's."""
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        for file in path.parent.glob(f"{path.name}*"):
            yield file.read_bytes()


def found_in(text: str) -> set[str]:
    return {word for word in WORDS if word in text}


def test_planted_words_are_in_no_table_and_no_file_and_the_chain_holds():
    plant()
    assert found_in(tables()) == set(WORDS)

    erasure = run_erasure(request_erasure(WORDS[8], reason="request 1", actor="console"))

    assert erasure.state == "finished"
    assert found_in(tables()) == set()
    left = [word for raw in files() for word in WORDS if word.encode() in raw]
    assert left == []
    assert verify_journal().holds
