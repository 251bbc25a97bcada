"""What is counted of a stream between two commits. Pure; added to the hour it belongs to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from assist.latency import Histogram, Latency

LOW_CONFIDENCE = 0.6  # under this a line is worth a second look
COUNTED = (
    "chunks",
    "finals",
    "late",
    "ahead",
    "repeated",
    "dropped_codec",
    "malformed",
    "withheld",
    "reconnects",
    "confidence_count",
    "low_confidence",
    "knowledge_asked",
    "knowledge_cached",
    "knowledge_late",
    "knowledge_failed",
    "knowledge_dropped",
)


@dataclass(slots=True)
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    confidence_sum: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.counts)

    def final(self, latency: Latency, confidence: float | None) -> None:
        self.counts["finals"] += 1
        self.counts["late"] += latency.is_late
        self.counts["ahead"] += latency.is_ahead
        self.latency.add(latency.ms)
        if confidence is not None:
            self.counts["confidence_count"] += 1
            self.counts["low_confidence"] += confidence < LOW_CONFIDENCE
            self.confidence_sum += confidence

    def merge(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.redactions.update(other.redactions)
        self.latency.merge(other.latency)
        self.confidence_sum += other.confidence_sum
