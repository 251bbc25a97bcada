"""Everything that is known about a batch of messages, in a fixed number of queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.models import AttributeAudit, Delivery, JournalEntry, Message, MessageText
from conversations.services.attachments import shown_attachments

_EVIDENCE = (
    JournalEntry.Kind.RECEIVED,
    JournalEntry.Kind.REPLIED,
    JournalEntry.Kind.TRANSLATED,
    JournalEntry.Kind.PASSED_THROUGH,
)


@dataclass(slots=True)
class Facts:
    """By message: texts by role, delivery, the last attributes written, what the journal says."""

    texts: dict[tuple[int, str], MessageText] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    audits: dict[int, AttributeAudit] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    translations: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


def gather(messages: Sequence[Message]) -> Facts:
    ids = [message.pk for message in messages]
    facts = Facts()
    for text in MessageText.objects.filter(message_id__in=ids).defer("salt"):
        facts.texts[text.message_id, text.role] = text
    for delivery in Delivery.objects.filter(message_id__in=ids):
        facts.deliveries[delivery.source_id] = delivery
    written = AttributeAudit.objects.filter(
        message_id__in=ids, status=AttributeAudit.Status.WRITTEN
    )
    for audit in written.select_related("text", "before__text").defer("answer").order_by("id"):
        facts.audits[audit.message_id] = audit
    _gather_journal(ids, facts)
    for message_id, files in shown_attachments(ids).items():
        # Without their address: it is a permission that expires, and no evidence.
        facts.attachments[message_id] = [
            {key: value for key, value in one.items() if key != "url"} for one in files
        ]
    return facts


def _gather_journal(ids: list[int], facts: Facts) -> None:
    entries = JournalEntry.objects.filter(message_id__in=ids, kind__in=_EVIDENCE).order_by("id")
    for message_id, kind, data, digest in entries.values_list(
        "message_id", "kind", "data", "digest"
    ):
        if kind in (JournalEntry.Kind.RECEIVED, JournalEntry.Kind.REPLIED):
            facts.digests[message_id] = digest
        else:
            facts.translations[message_id] = json.loads(data) if data else {}
