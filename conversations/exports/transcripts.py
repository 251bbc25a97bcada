"""Transcripts, a row a message: read in pages, so that memory stays flat at any size.

Echoes of our own deliveries are left out: the delivery stands in the row of its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from conversations.exports import transcripts_sql
from conversations.exports.base import (
    PAGE,
    TRANSCRIPT_COLUMNS,
    Page,
    Position,
    Row,
    Rows,
    Scope,
    iso,
)
from conversations.exports.covered import conversations_in
from conversations.exports.facts import Facts, gather
from conversations.models import AttributeAudit, Conversation, Delivery, Message, MessageText

_DIRECTIONS = {
    Message.Origin.GUEST: "guest_to_agent",
    Message.Origin.AGENT: "agent_to_guest",
    Message.Origin.SYSTEM: "system",
}


class Transcripts:
    """By conversation, within it in the order of receipt: a row's key is (conversation, seq)."""

    columns = TRANSCRIPT_COLUMNS
    formats = ("csv", "jsonl", "pdf")
    sql_columns = transcripts_sql.COLUMNS
    select = staticmethod(transcripts_sql.select)

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        spoken = Message.objects.spoken().filter(conversation=OuterRef("pk"))
        return conversations_in(scope).filter(Exists(_within(spoken, scope)))

    def count(self, scope: Scope) -> int:
        return _messages(scope).order_by().count()

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]:
        messages = _messages(scope).select_related("conversation").in_order()
        wanted = _past(messages, *after) if after else messages
        while page := list(wanted[:size]):
            facts = gather(page)
            last = (page[-1].conversation_id, page[-1].seq)
            yield Page([_row(message, facts) for message in page], last)
            wanted = _past(messages, *last)


def transcript_rows(scope: Scope, *, page: int = PAGE) -> Rows:
    for found in Transcripts().pages(scope, size=page):
        yield from found.rows


def _messages(scope: Scope) -> Any:
    messages = _within(Message.objects.spoken(), scope)
    if scope.export is not None:
        return messages.filter(
            conversation__export_heads__export=scope.export,
            seq__lte=F("conversation__export_heads__seq"),
        )
    if scope.names() or scope.language:
        return messages.filter(conversation__in=conversations_in(scope))
    return messages


def _within(messages: QuerySet[Message], scope: Scope) -> QuerySet[Message]:
    if scope.since is not None:
        messages = messages.filter(received_at__gte=scope.since)
    if scope.until is not None:
        messages = messages.filter(received_at__lt=scope.until)
    return messages


def _past(messages: Any, conversation_id: int, seq: int) -> Any:
    # The second condition lets the index begin there, the first leaves out what was read.
    further = Q(conversation_id__gt=conversation_id) | Q(seq__gt=seq)
    return messages.filter(further, conversation_id__gte=conversation_id)


def _row(message: Message, facts: Facts) -> Row:
    """The keys in exactly the order of `TRANSCRIPT_COLUMNS`; what is not known is null."""
    role = MessageText.Role
    original = facts.texts.get((message.pk, role.ORIGINAL))
    translated = facts.texts.get((message.pk, role.TRANSLATED))
    delivery = facts.deliveries.get(message.pk)
    translation = facts.translations.get(message.pk, {})
    audit = facts.audits.get(message.pk)
    return {
        "conversation_id": message.conversation.external_id,
        "seq": message.seq,
        "message_id": message.external_id or None,
        "direction": _DIRECTIONS[Message.Origin(message.origin)],
        "sender_type": message.origin,
        "sender_id": message.sender_id or None,
        "sender_name": message.sender_name or None,
        "sent_at": iso(message.sent_at),
        "received_at": iso(message.received_at),
        "original_text": original.text if original else None,
        "original_language": (original.language if original else "")
        or translation.get("source_language")
        or None,
        "language_confidence": None,
        "translated_text": translated.text if translated else None,
        "target_language": (translated.language if translated else "")
        or translation.get("target_language")
        or None,
        "delivered_text": _delivered_text(message, facts),
        "delivery_state": (delivery.state if delivery else "") or None,
        "delivered_at": iso(delivery.confirmed_at) if delivery else None,
        "provider": translation.get("provider") or None,
        "provider_latency_ms": translation.get("latency_ms"),
        "from_memory": translation.get("from_memory"),
        "attributes_before": _attributes(audit.before if audit else None),
        "attributes_after": _attributes(audit),
        "attributes_written_at": iso(audit.written_at) if audit else None,
        "attachments": facts.attachments.get(message.pk, []),
        "read_at": iso(message.read_at),
        "redactions": [],
        "erased_at": iso(_erased_at(message, facts)),
        "journal_digest": facts.digests.get(message.pk),
    }


def _delivered_text(message: Message, facts: Facts) -> str | None:
    """A text of its own where one is kept; else, once confirmed, the translation as it stands."""
    role = MessageText.Role
    delivered = facts.texts.get((message.pk, role.DELIVERED))
    if delivered is not None:
        return delivered.text
    delivery = facts.deliveries.get(message.pk)
    if delivery is None or delivery.state != Delivery.State.CONFIRMED:
        return None
    translated = facts.texts.get((message.pk, role.TRANSLATED))
    return translated.text if translated else None


def _erased_at(message: Message, facts: Facts) -> datetime | None:
    """When its text was erased, where it is not there any more."""
    if (message.pk, MessageText.Role.ORIGINAL) in facts.texts:
        return None
    return max((one.at for one in facts.erasures if one.covers(message)), default=None)


def _attributes(audit: AttributeAudit | None) -> dict[str, Any] | None:
    """The attributes as the platform got them; an erased text is null."""
    if audit is None:
        return None
    stamp = audit.translation_timestamp.isoformat(timespec="milliseconds")
    values = {
        "originalLanguage": audit.original_language,
        "originalText": audit.text.text if audit.text else None,
        "translationTimestamp": stamp.replace("+00:00", "Z"),
    }
    return {key: value for key, value in values.items() if key in audit.keys}
