"""Everything that is known about a batch of messages, in a fixed number of queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from conversations.models import AttributeAudit, Delivery, JournalEntry, Message, MessageText
from conversations.services.attachments import shown_attachments

ERASED = "erased"  # the journal's word for a text that has been taken out
_EVIDENCE = (
    JournalEntry.Kind.RECEIVED,
    JournalEntry.Kind.TRANSLATED,
    JournalEntry.Kind.PASSED_THROUGH,
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A tombstone: for one message, or for those of a conversation from `first` to `last`."""

    conversation_id: int
    message_id: int | None
    at: datetime
    first: int
    last: int

    def covers(self, message: Message) -> bool:
        if self.message_id is not None:
            return self.message_id == message.pk
        is_there = self.conversation_id == message.conversation_id
        return is_there and self.first <= message.seq <= self.last


@dataclass(slots=True)
class Facts:
    """By message: texts by role, delivery, the last attributes written, what the journal says."""

    texts: dict[tuple[int, str], MessageText] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    audits: dict[int, AttributeAudit] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    translations: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    erasures: list[Erasure] = field(default_factory=list)


def gather(messages: Sequence[Message]) -> Facts:
    ids = [message.pk for message in messages]
    facts = Facts()
    for text in MessageText.objects.filter(message_id__in=ids).defer("salt"):
        facts.texts[text.message_id, text.role] = text
    for delivery in Delivery.objects.filter(message_id__in=ids):
        facts.deliveries[delivery.message_id] = delivery
    written = AttributeAudit.objects.filter(
        message_id__in=ids, status=AttributeAudit.Status.WRITTEN
    )
    for audit in written.select_related("text", "before__text").defer("answer").order_by("id"):
        facts.audits[audit.message_id] = audit
    _gather_journal(ids, facts)
    _gather_erasures(messages, facts)
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
        if kind == JournalEntry.Kind.RECEIVED:
            facts.digests[message_id] = digest
        else:
            facts.translations[message_id] = json.loads(data) if data else {}


def _gather_erasures(messages: Sequence[Message], facts: Facts) -> None:
    silent = [one for one in messages if (one.pk, MessageText.Role.ORIGINAL) not in facts.texts]
    if not silent:
        return
    about = Q(message_id__in=[one.pk for one in silent]) | Q(message_id__isnull=True)
    entries = JournalEntry.objects.filter(
        about, conversation_id__in={one.conversation_id for one in silent}, kind=ERASED
    )
    for conversation_id, message_id, at, data in entries.values_list(
        "conversation_id", "message_id", "at", "data"
    ):
        said = json.loads(data) if data else {}
        extent = (said.get("first", 0), said.get("last", 0))
        facts.erasures.append(Erasure(conversation_id, message_id, at, *extent))
