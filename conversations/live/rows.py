"""A message with everything a page shows of it: the one shape of snapshots and of events.

The number of queries does not depend on the number of messages.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from conversations.models import AttributeAudit, Delivery, JournalEntry, Message, MessageText
from conversations.services.attachments import shown_attachments

Row = dict[str, Any]

# Where the journal has told how it was translated.
_TOLD = (Message.TranslationState.TRANSLATED, Message.TranslationState.PASSED_THROUGH)
_TRANSLATION_KINDS = (JournalEntry.Kind.TRANSLATED, JournalEntry.Kind.PASSED_THROUGH)


def rows_for(message_ids: Collection[int]) -> dict[int, Row]:
    """Rows by message id, in the order of the conversation; echoes are not rows."""
    ids = list(message_ids)
    spoken = Message.objects.spoken().filter(pk__in=ids)
    told = spoken.annotate(echo_read_at=_echo_read_at()).select_related("delivery").in_order()
    messages = list(told)
    texts = _texts(ids)
    facts = _translation_facts([one.pk for one in messages if one.translation_state in _TOLD])
    audits = _attribute_audits(ids)
    attachments = shown_attachments(ids)
    return {
        message.pk: _row(
            message,
            texts=texts[message.pk],
            facts=facts.get(message.pk, {}),
            audit=audits.get(message.pk),
            attachments=attachments.get(message.pk, []),
        )
        for message in messages
    }


def _echo_read_at() -> Subquery:
    """An agent reads the translation, which is the echo of our delivery: of its last part, where
    there are parts."""
    echoes = Message.objects.filter(echo_of__message=OuterRef("pk"), read_at__isnull=False)
    return Subquery(echoes.order_by("read_at").values("read_at")[:1])


def iso(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def _texts(ids: list[int]) -> dict[int, dict[str, Row]]:
    found: dict[int, dict[str, Row]] = defaultdict(dict)
    rows = MessageText.objects.filter(message_id__in=ids).values_list(
        "message_id", "role", "text", "language"
    )
    for message_id, role, text, language in rows:
        found[message_id][role] = {"text": text, "language": language}
    return found


def _translation_facts(ids: list[int]) -> dict[int, dict[str, Any]]:
    """How each was translated, from the journal: `conversations` does not know `translation`."""
    entries = (
        JournalEntry.objects.filter(message_id__in=ids, kind__in=_TRANSLATION_KINDS)
        .order_by("message_id", "seq")
        .values_list("message_id", "data")
    )
    return {message_id: _facts(data) for message_id, data in entries}


def _facts(data: str) -> dict[str, Any]:
    facts = json.loads(data) if data else {}
    return facts if isinstance(facts, dict) else {}


def _attribute_audits(ids: list[int]) -> dict[int, AttributeAudit]:
    audits: Iterable[AttributeAudit] = (
        AttributeAudit.objects.filter(message_id__in=ids)
        .select_related("before")
        .order_by("message_id", "id")
        .defer("answer", "commitment", "before__answer", "before__commitment")
    )
    return {audit.message_id: audit for audit in audits}


def _row(
    message: Message,
    *,
    texts: dict[str, Row],
    facts: dict[str, Any],
    audit: AttributeAudit | None,
    attachments: list[Row],
) -> Row:
    delivery: Delivery | None = getattr(message, "delivery", None)
    return {
        "id": message.pk,
        "seq": message.seq,
        "origin": message.origin,
        "sender_name": message.sender_name,
        "sent_at": iso(message.sent_at),
        "received_at": iso(message.received_at),
        "backfilled": message.backfilled,
        "read_at": iso(message.read_at or getattr(message, "echo_read_at", None)),
        "has_text": message.has_text,
        "original": _original(
            texts.get(MessageText.Role.ORIGINAL) or texts.get(MessageText.Role.TYPED), facts
        ),
        "translated": _translated(texts),
        "is_reply": MessageText.Role.TYPED in texts,
        "translation_state": message.translation_state,
        "translation_reason": message.translation_reason,
        "provider": facts.get("provider"),
        "source_language": facts.get("source_language"),
        "target_language": facts.get("target_language"),
        "confidence": facts.get("confidence"),
        "latency_ms": facts.get("latency_ms"),
        "from_memory": facts.get("from_memory"),
        "delivery": _delivery(delivery),
        "attributes": _attributes(delivery, audit),
        "attachments": attachments,
    }


def _original(text: Row | None, facts: dict[str, Any]) -> Row | None:
    """What was said; its language is known once the provider has told it."""
    if text is None or text.get("language"):
        return text
    return {**text, "language": facts.get("source_language") or ""}


def _translated(texts: dict[str, Row]) -> Row | None:
    """Of a reply what the guest gets, which its agent may have edited; nothing where it goes out
    as it was typed."""
    translated = texts.get(MessageText.Role.TRANSLATED)
    delivered = texts.get(MessageText.Role.DELIVERED)
    if translated is None or delivered is None:
        return translated
    return {**delivered, "edited": delivered["text"] != translated["text"]}


def _delivery(delivery: Delivery | None) -> Row | None:
    if delivery is None:
        return None
    return {
        "state": delivery.state,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "confirmed_at": iso(delivery.confirmed_at),
        "confirmed_by": delivery.confirmed_by,
        "duplicates": delivery.duplicates,
    }


def _attributes(delivery: Delivery | None, audit: AttributeAudit | None) -> Row | None:
    state = delivery.attributes_state if delivery is not None else ""
    if audit is not None and not state:
        state = audit.status
    if not state:
        return None
    if audit is None:
        return {"state": state, "keys": [], "written_at": None, "after": None, "before": None}
    return {
        "state": state,
        "keys": list(audit.keys),
        "written_at": iso(audit.written_at),
        "after": _values(audit),
        "before": _values(audit.before) if audit.before is not None else None,
    }


def _values(audit: AttributeAudit) -> Row:
    """What stood in the attributes. Their text is the original of `message`, never a copy of it:
    erased there, it is gone here."""
    stamp = audit.translation_timestamp.isoformat(timespec="milliseconds")
    return {
        "message": audit.message_id,
        "originalLanguage": audit.original_language,
        "translationTimestamp": stamp.replace("+00:00", "Z"),
    }
