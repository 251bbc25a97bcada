"""Events as the platform tells them, and the quickest way to get them recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from conversations.genesys.events import Event, MessageRead, MessageReceived, Participant
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.models import Delivery, JournalEntry, Message
from conversations.services.recording import Recorded, record_events
from conversations.services.unit import apply_changes
from conversations.services.verification import verify_journal

GUEST = Participant("guest-1", "guest", "Maria")
AGENT = Participant("agent-1", "agent", "Tom")


def event(
    text: str = "Hola",
    *,
    id: str | None = None,  # noqa: A002 - the wire's word
    sender: Participant = GUEST,
    conversation: str = "conv-1",
    sent_at: datetime | None = None,
    **more: Any,
) -> MessageReceived:
    return MessageReceived(
        conversation_id=conversation,
        external_id=id,
        sender=sender,
        recipient=None,
        text=text,
        sent_at=sent_at or datetime.now(UTC),
        raw={"text": text},
        **more,
    )


def receipt(message_id: str, *, conversation: str = "conv-1") -> MessageRead:
    return MessageRead(conversation, AGENT, message_id, datetime.now(UTC))


def wire_frame(**fields: Any) -> str:
    """A guest's message as the socket carries it, but for these fields."""
    frame = {
        "type": "message",
        "conversationId": "conv-1",
        "from": {"id": "guest-1", "type": "guest", "name": "Maria"},
        "text": "Hola",
        "timestamp": "2024-06-15T10:30:00.000Z",
    }
    return json.dumps(frame | fields)


def parsed(**fields: Any) -> Event:
    """What the socket's protocol makes of a frame with these fields."""
    return MessagingProtocol().frame_received(wire_frame(**fields))


def record(*events: Event) -> Recorded:
    return record_events(events, stream="messaging")


def recorded(text: str = "Hola", **fields: Any) -> Message:
    """One guest message, stored."""
    record(event(text, **fields))
    message = Message.objects.order_by("-pk").first()
    assert message is not None
    return message


def apply(*changes: Any) -> list[Any]:
    return apply_changes(list(changes), actor="worker").results


def just_after(delivery: Delivery) -> datetime:
    assert delivery.sending_at is not None
    return delivery.sending_at + timedelta(milliseconds=30)


def kinds(message: Message) -> list[str]:
    entries = JournalEntry.objects.filter(message=message).order_by("seq")
    return list(entries.values_list("kind", flat=True))


def assert_journal_holds() -> None:
    report = verify_journal()
    assert report.holds, report.faults
    for conversation in {entry.conversation_id for entry in JournalEntry.objects.all()}:
        entries = JournalEntry.objects.filter(conversation_id=conversation).order_by("seq")
        seqs = list(entries.values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1))
