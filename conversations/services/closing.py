"""Ends conversations: the org socket never says so itself (protocol §1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.models import Conversation, JournalEntry
from conversations.services.journal import Ledger, lock_conversations

_BATCH = 200


def close_idle_conversations() -> int:
    """Close what has been silent for CONVERSATION_IDLE_CLOSE_H hours; returns how many."""
    now = timezone.now()
    before = now - timedelta(hours=settings.CONVERSATION_IDLE_CLOSE_H)
    idle = Conversation.objects.filter(
        state=Conversation.State.OPEN, last_event_at__lt=before, work_at__isnull=True
    )
    closed = 0
    while ids := list(idle.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            ledger = Ledger(actor="schedule", now=now)
            for conversation in lock_conversations(ids):
                close_conversation(ledger, conversation, at=now, reason="silent")
            ledger.flush()
        closed += len(ids)
    return closed


def close_conversation(
    ledger: Ledger, conversation: Conversation, *, at: datetime, reason: str
) -> bool:
    """Record the end of a conversation whose row the caller has locked; once."""
    if conversation.state == Conversation.State.CLOSED:
        return False
    conversation.state = Conversation.State.CLOSED
    conversation.closed_at = at
    ledger.enter(conversation, JournalEntry.Kind.CLOSED, data={"reason": reason})
    return True
