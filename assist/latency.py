"""How late a chunk is, and how late many were: a histogram that can be added up and stored."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

# Upper ends of the buckets in ms: 12 % apart, so that a quantile is at most so far off.
EDGES = tuple(sorted({round(5 * 1.12**n) for n in range(94)}))


@dataclass(frozen=True, slots=True)
class Latency:
    """`is_ahead`: the platform's clock was ahead of ours, and the latency counts as 0 (D)."""

    ms: int
    is_late: bool
    is_ahead: bool = False


def latency_of(*, media_at: datetime, received_at: datetime, threshold_ms: int) -> Latency:
    ms = round((received_at - media_at).total_seconds() * 1000)
    if ms < 0:
        return Latency(0, is_late=False, is_ahead=True)
    return Latency(ms, is_late=ms > threshold_ms)


@dataclass(slots=True)
class Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    total_ms: int = 0

    @classmethod
    def of(cls, stored: Iterable[int], *, total_ms: int = 0) -> Histogram:
        """From the pairs of `stored` (bucket, count, …)."""
        made = cls(total_ms=total_ms)
        values = iter(stored)
        for bucket, count in zip(values, values, strict=True):
            made.counts[bucket] += count
        return made

    def add(self, ms: int) -> None:
        self.counts[bisect_left(EDGES, ms)] += 1
        self.total_ms += ms

    def merge(self, other: Histogram) -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total_ms += other.total_ms

    def stored(self) -> list[int]:
        return [value for pair in enumerate(self.counts) if pair[1] for value in pair]

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean_ms(self) -> float | None:
        return self.total_ms / self.count if self.count else None

    def quantile_ms(self, share: float) -> int | None:
        """The upper end of the bucket in which that share of all chunks is reached."""
        count = self.count
        if not count:
            return None
        wanted, seen = share * count, 0
        for bucket, found in enumerate(self.counts):
            seen += found
            if seen >= wanted and found:
                return EDGES[min(bucket, len(EDGES) - 1)]
        return EDGES[-1]
