"""Events about something that is there already: read marks, the guest's preferred language."""

from __future__ import annotations

from conversations.genesys.events import ContextChanged, MessageRead
from conversations.models import Conversation, JournalEntry, Message
from conversations.services.guest_language import note_preference
from conversations.services.journal import Ledger

Note = MessageRead | ContextChanged


def store_note(ledger: Ledger, conversation: Conversation, note: Note) -> None:
    if isinstance(note, ContextChanged):
        note_preference(ledger, conversation, note.preferred_language)
    else:
        _store_receipt(ledger, conversation, note)


def _store_receipt(ledger: Ledger, conversation: Conversation, receipt: MessageRead) -> None:
    """A read mark of a message that is known."""
    message = Message.objects.filter(
        conversation=conversation, external_id=receipt.message_id, read_at__isnull=True
    ).first()
    if message is None:
        return
    message.read_at = receipt.read_at
    message.save(update_fields=["read_at"])
    ledger.enter(
        conversation,
        JournalEntry.Kind.READ,
        message=message.echo_of.source_id if message.echo_of else message,
        data={"read_at": receipt.read_at.isoformat(), "by": receipt.sender.type},
    )
