"""A guest who is erased, and events of theirs that come late."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conversations.genesys.events import (
    MessageReceived,
    Participant,
)
from conversations.models import (
    Erasure,
)
from conversations.services.guest_erasure import (
    request_erasure,
    run_erasure,
)


def erase(guest: str = "guest-1", *, reason: str = "request 4711", **options: Any) -> Erasure:
    erasure = request_erasure(guest, reason=reason, actor="console:root", **options)
    return run_erasure(erasure)


def event(text: str, *, at: datetime, number: int, conversation: str = "conv-1") -> MessageReceived:
    return MessageReceived(
        conversation_id=conversation,
        external_id=f"{conversation}-late-{number}",
        sender=Participant("guest-1", "guest", "Maria"),
        recipient=None,
        text=text,
        sent_at=at,
        backfilled=True,
        raw={},
    )


def fields(one: MessageReceived) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
