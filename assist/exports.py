"""The audit record of every final chunk (protocol §4), for the console and for exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from assist.models import Chunk, KnowledgeFailure
from conversations.exports.base import PAGE, Page, Position, Row, Scope, iso
from conversations.exports.covered import conversations_in
from conversations.models import Conversation, JournalEntry, MessageText

COLUMNS = (
    "timestamp",
    "interactionId",
    "text",
    "confidence",
    "latencyMs",
    "redactionActive",
    "metrics",
    "mediaTimestamp",
    "late",
    "clockAhead",
    "withheld",
    "redactions",
    "journalDigest",
)


class Transcription:
    """The chunks in the order in which they were stored."""

    columns = COLUMNS
    formats = ("csv", "jsonl")

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        own = Chunk.objects.filter(conversation=OuterRef("pk"))
        return conversations_in(scope).filter(Exists(_within(own, scope)))

    def count(self, scope: Scope) -> int:
        return _chunks(scope).count()

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]:
        chunks = _chunks(scope).select_related("conversation").order_by("pk")
        wanted = chunks.filter(pk__gt=after[0]) if after else chunks
        while page := list(wanted[:size]):
            yield Page(list(audit_records(page)), (page[-1].pk,))
            wanted = chunks.filter(pk__gt=page[-1].pk)


def _chunks(scope: Scope) -> QuerySet[Chunk]:
    chunks = _within(Chunk.objects.all(), scope)
    if scope.export is not None:
        return chunks.filter(
            conversation__export_heads__export=scope.export,
            message__seq__lte=F("conversation__export_heads__seq"),
        )
    if scope.names() or scope.language:
        return chunks.filter(conversation__in=conversations_in(scope))
    return chunks


def _within(chunks: QuerySet[Chunk], scope: Scope) -> QuerySet[Chunk]:
    if scope.since is not None:
        chunks = chunks.filter(received_at__gte=scope.since)
    if scope.until is not None:
        chunks = chunks.filter(received_at__lt=scope.until)
    return chunks


def audit_records(chunks: Sequence[Chunk]) -> Iterator[Row]:
    """What is not known is null; an erased text is null too. Four queries a page."""
    ids = [chunk.pk for chunk in chunks]
    texts = dict(
        MessageText.objects.filter(message_id__in=ids, role=MessageText.Role.ORIGINAL).values_list(
            "message_id", "text"
        )
    )
    digests = dict(
        JournalEntry.objects.filter(
            message_id__in=ids, kind=JournalEntry.Kind.RECEIVED
        ).values_list("message_id", "digest")
    )
    for chunk in chunks:
        yield {
            "timestamp": iso(chunk.received_at),
            "interactionId": chunk.conversation.external_id,
            "text": texts.get(chunk.pk),
            "confidence": chunk.confidence,
            "latencyMs": chunk.latency_ms,
            "redactionActive": chunk.redaction_active,
            "metrics": {
                "avgLatencyMs": chunk.average_latency_ms,
                "avgConfidence": _rounded(chunk.average_confidence),
                "active": chunk.active_streams,
            },
            "mediaTimestamp": iso(chunk.media_at),
            "late": chunk.is_late,
            "clockAhead": chunk.is_ahead,
            "withheld": chunk.is_withheld,
            "redactions": chunk.redactions(),
            "journalDigest": digests.get(chunk.pk),
        }


def failure_record(failure: KnowledgeFailure) -> dict[str, Any]:
    return {
        "type": "knowledge_sync_failure",
        "error": failure.error,
        "timestamp": iso(failure.at),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
