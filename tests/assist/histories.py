"""Calls as they stand in the database after something was said."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from assist.latency import Latency
from assist.redaction.redactor import Redacted
from assist.services.recording import Batch, Heard, record_batches
from assist.tally import Tally
from conversations.live import doorbell
from conversations.models import Conversation, Message

_numbers = itertools.count()


def say(
    interaction: str,
    text: str,
    *,
    latency_ms: int = 100,
    confidence: float | None = 0.9,
    agent_id: str = "",
    kinds: tuple[tuple[str, int], ...] = (),
) -> Message:
    """A final chunk, stored as a gateway stores it."""
    tally = Tally()
    tally.counts["chunks"] += 1
    tally.final(Latency(latency_ms, is_late=latency_ms > 800), confidence)
    tally.redactions.update(dict(kinds))
    heard = _heard(text, latency_ms=latency_ms, confidence=confidence, kinds=kinds)
    recorded = record_batches([Batch(interaction, chunks=(heard,), tally=tally)])
    if agent_id:
        Conversation.objects.filter(external_id=interaction).update(agent_id=agent_id)
    doorbell.ring(recorded.moved)
    return recorded.results[0].new[0][1]


def say_all(interaction: str, texts: Sequence[str]) -> None:
    """Many at once, in that order."""
    chunks = tuple(_heard(text) for text in texts)
    doorbell.ring(record_batches([Batch(interaction, chunks=chunks)]).moved)


def _heard(
    text: str,
    *,
    latency_ms: int = 100,
    confidence: float | None = 0.9,
    kinds: tuple[tuple[str, int], ...] = (),
) -> Heard:
    now = timezone.now()
    return Heard(
        content_key=f"key-{next(_numbers)}",
        media_at=now - timedelta(milliseconds=latency_ms),
        received_at=now,
        latency_ms=latency_ms,
        is_late=latency_ms > 800,
        is_ahead=False,
        confidence=confidence,
        media_type="audio/ulaw",
        average_latency_ms=latency_ms,
        average_confidence=confidence,
        redacted=Redacted(text, kinds),
    )
