"""Frames that could not be read are kept where a person can see them (reliability A13)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from conversations.genesys.events import Malformed
from conversations.models import DeadLetter, DeadLetterBody

_KEPT_BYTES = 65_536


def quarantine(frames: Iterable[Malformed], *, stream: str, now: datetime) -> None:
    frames = list(frames)
    if not frames:
        return
    letters = DeadLetter.objects.bulk_create(
        DeadLetter(
            kind=DeadLetter.Kind.FRAME,
            stream=stream,
            reason=frame.reason[:200],
            size=frame.size,
            created_at=now,
        )
        for frame in frames
    )
    DeadLetterBody.objects.bulk_create(
        DeadLetterBody(dead_letter=letter, body=frame.raw[:_KEPT_BYTES])
        for letter, frame in zip(letters, frames, strict=True)
    )
