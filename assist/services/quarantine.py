"""Frames that could not be read, kept where a person sees them: redacted, never as they came.

Reliability S22: a card number is not stored because the frame around it was broken. JSON's escapes
are undone before the search; what is still hidden behind others is withheld.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from assist.extracts import redacted_extract
from conversations.genesys.events import Malformed
from conversations.models import DeadLetter, DeadLetterBody

_KEPT = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Quarantined:
    frame: Malformed
    stream: str


def keep_frames(frames: Sequence[Quarantined]) -> None:
    now = timezone.now()
    with transaction.atomic():
        letters = DeadLetter.objects.bulk_create(
            DeadLetter(
                kind=DeadLetter.Kind.FRAME,
                stream=kept.stream,
                reason=kept.frame.reason[:200],
                size=kept.frame.size,
                created_at=now,
            )
            for kept in frames
        )
        DeadLetterBody.objects.bulk_create(
            DeadLetterBody(dead_letter=letter, body=extract(kept.frame.raw).encode())
            for letter, kept in zip(letters, frames, strict=True)
        )


def extract(raw: bytes) -> str:
    """What is kept of a frame."""
    text = raw[: _KEPT * 4].decode("utf-8", "replace")[:_KEPT]
    return redacted_extract(text.replace("\x00", "\u2400"))
