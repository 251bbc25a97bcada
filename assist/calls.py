"""What a stream knows of its call: chunks in, redacted chunks and shown lines out.

No I/O: moments and monotonic seconds are passed in. One object for a stream's life, over all its
connections, so that a repeated chunk and a card number across a reconnect are recognised.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from assist.batching import Batcher
from assist.latency import latency_of
from assist.redaction.redactor import Redacted, Redactor
from assist.redaction.window import RedactionWindow, Released
from assist.services.recording import Batch, Heard
from assist.tally import Tally
from conversations.genesys.events import TranscriptionReceived

_REMEMBERED = 2_000  # content keys
# Sooner than protocol §4 asks for: what many calls hand on is one commit anyway.
HAND_ON_S = 0.02


@dataclass(frozen=True, slots=True)
class Line:
    """A line that still grows, as it may be shown."""

    text: str
    media_at: datetime
    confidence: float | None


@dataclass(slots=True)
class Call:
    interaction_id: str
    redactor: Redactor
    threshold_ms: int
    content_key: Callable[..., str]
    redaction_active: bool = True
    tally: Tally = field(default_factory=Tally)
    _window: RedactionWindow[Heard] = field(init=False)
    _batcher: Batcher[Heard] = field(default_factory=lambda: Batcher(age_s=HAND_ON_S))
    _amended: list[tuple[str, Redacted]] = field(default_factory=list)
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _final_at: datetime | None = None  # media time of the newest final
    _latency_sum: int = 0
    _finals: int = 0
    _confidence_sum: float = 0.0
    _confidences: int = 0

    def __post_init__(self) -> None:
        self._window = RedactionWindow(self.redactor)

    @property
    def deadline(self) -> float | None:
        """When something is due although nothing comes."""
        moments = [self._window.deadline, self._batcher.deadline]
        return min((moment for moment in moments if moment is not None), default=None)

    def final(
        self, event: TranscriptionReceived, *, received_at: datetime, now: float, active: int
    ) -> list[Batch]:
        """Take in a final chunk; returns what is to be handed on now."""
        self.tally.counts["chunks"] += 1
        key = self.content_key(
            "transcription", event.interaction_id, event.media_at.isoformat(), event.text
        )
        if key in self._seen:
            self.tally.counts["repeated"] += 1
            return []
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        heard = self._measured(event, key, received_at=received_at, active=active)
        if self._final_at is None or event.media_at > self._final_at:
            self._final_at = event.media_at
        return self._hand_on(self._window.final(event.text, heard, now=now), now)

    def _measured(
        self, event: TranscriptionReceived, key: str, *, received_at: datetime, active: int
    ) -> Heard:
        latency = latency_of(
            media_at=event.media_at, received_at=received_at, threshold_ms=self.threshold_ms
        )
        self.tally.final(latency, event.confidence)
        self._finals += 1
        self._latency_sum += latency.ms
        if event.confidence is not None:
            self._confidences += 1
            self._confidence_sum += event.confidence
        return Heard(
            content_key=key,
            media_at=event.media_at,
            received_at=received_at,
            latency_ms=latency.ms,
            is_late=latency.is_late,
            is_ahead=latency.is_ahead,
            confidence=event.confidence,
            media_type=event.media_type,
            average_latency_ms=round(self._latency_sum / self._finals),
            average_confidence=self._confidence_sum / self._confidences
            if self._confidences
            else None,
            active_streams=active,
        )

    def interim(
        self, event: TranscriptionReceived, *, received_at: datetime, now: float
    ) -> Line | None:
        """What may be shown of it; None where a final has settled it, or where it is late.

        TRAP: a late interim never replaces a final.
        """
        self.tally.counts["chunks"] += 1
        if self._final_at is not None and event.media_at <= self._final_at:
            return None
        latency = latency_of(
            media_at=event.media_at, received_at=received_at, threshold_ms=self.threshold_ms
        )
        if latency.is_late:
            return None
        shown = self._window.interim(event.text, now=now)
        return Line(shown.text, event.media_at, event.confidence)

    def due(self, now: float) -> list[Batch]:
        """What has waited for long enough."""
        batches = self._hand_on(self._window.expired(now), now)
        waiting = self._batcher.due(now)
        return [*batches, self._batch(waiting)] if waiting else batches

    def flush(self, now: float) -> list[Batch]:
        """Everything: the stream closes, and its last words are not lost."""
        batches = self._hand_on(self._window.flush(now), now)
        waiting = self._batcher.flush()
        if waiting or self._amended or self.tally:
            batches.append(self._batch(waiting))
        return batches

    def counted(self) -> Batch | None:
        """What was counted since the last batch, where nothing else goes."""
        return self._batch([]) if self.tally else None

    def _hand_on(self, released: list[Released[Heard]], now: float) -> list[Batch]:
        batches = []
        for one in released:
            if one.is_amended:
                self._amended.append((one.item.content_key, one.redacted))
                continue
            one.item.redacted = one.redacted
            self.tally.counts["withheld"] += one.redacted.is_withheld
            self.tally.redactions.update(dict(one.redacted.kinds))
            full = self._batcher.add(one.item, now=now)
            if full:
                batches.append(self._batch(full))
        return batches

    def _batch(self, chunks: list[Heard]) -> Batch:
        tally, self.tally = self.tally, Tally()
        amended, self._amended = self._amended, []
        return Batch(
            self.interaction_id,
            chunks=tuple(chunks),
            amended=tuple(amended),
            tally=tally,
            redaction_active=self.redaction_active,
        )
