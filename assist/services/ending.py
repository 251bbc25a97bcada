"""A call is over: the platform closed its stream on purpose (1000)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assist.services.recording import open_call
from conversations.models import Conversation, JournalEntry
from conversations.services.journal import Ledger, lock_conversations


def end_call(interaction_id: str) -> list[tuple[int, int]]:
    """Close its conversation, heard or not; returns what moved in the journal."""
    now = timezone.now()
    with transaction.atomic():
        ledger = Ledger(actor="gateway", now=now)
        for conversation in lock_conversations([open_call(interaction_id, now=now).pk]):
            if conversation.state == Conversation.State.CLOSED:
                continue
            conversation.state = Conversation.State.CLOSED
            conversation.closed_at = now
            ledger.enter(conversation, JournalEntry.Kind.CLOSED, data={"reason": "call ended"})
        return ledger.flush()
