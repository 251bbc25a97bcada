"""The audit record of every final chunk (protocol §4), for the console and for exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from assist.models import Chunk, KnowledgeFailure
from conversations.exports.base import Row, Rows, Scope, iso
from conversations.models import JournalEntry, MessageText

PAGE = 1_000


def transcription_rows(scope: Scope, *, page: int = PAGE) -> Rows:
    """The chunks of `scope`, by call and within it in the order of receipt."""
    chunks = Chunk.objects.select_related("conversation")
    if scope.conversation is not None:
        chunks = chunks.filter(conversation__external_id=scope.conversation)
    if scope.since is not None:
        chunks = chunks.filter(received_at__gte=scope.since)
    if scope.until is not None:
        chunks = chunks.filter(received_at__lt=scope.until)
    for found in _pages(chunks.order_by("pk"), page):
        yield from audit_records(found)


def _pages(chunks: QuerySet[Chunk], size: int) -> Iterator[list[Chunk]]:
    wanted = chunks
    while page := list(wanted[:size]):
        yield page
        wanted = chunks.filter(pk__gt=page[-1].pk)


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
