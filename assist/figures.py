"""A call's figures, added up over its hours: for the page, the console and the admin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from assist.latency import Histogram
from assist.models import HourlyMetrics

_SHOWN = (
    "chunks",
    "finals",
    "late",
    "ahead",
    "dropped_codec",
    "malformed",
    "withheld",
    "reconnects",
    "knowledge_failed",
    "knowledge_dropped",
)


def figures_of(conversation_pk: int) -> dict[str, Any]:
    return figures_by_call([conversation_pk])[conversation_pk]


def figures_by_call(conversation_pks: Collection[int]) -> dict[int, dict[str, Any]]:
    hours: dict[int, list[HourlyMetrics]] = {pk: [] for pk in conversation_pks}
    for hour in HourlyMetrics.objects.filter(conversation_id__in=list(hours)):
        hours[hour.conversation_id].append(hour)
    return {pk: added_up(found) for pk, found in hours.items()}


def added_up(hours: Iterable[HourlyMetrics]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    redactions: Counter[str] = Counter()
    latency = Histogram()
    confidence_sum = 0.0
    for hour in hours:
        for name in (*_SHOWN, "confidence_count", "low_confidence"):
            counts[name] += getattr(hour, name)
        redactions.update(hour.redactions_by_kind())
        latency.merge(hour.latency)
        confidence_sum += hour.confidence_sum
    heard = counts["confidence_count"]
    return {
        **{name: counts[name] for name in _SHOWN},
        "redactions": dict(sorted(redactions.items())),
        "latency_p50_ms": latency.quantile_ms(0.5),
        "latency_p95_ms": latency.quantile_ms(0.95),
        "latency_p99_ms": latency.quantile_ms(0.99),
        "latency_mean_ms": None if latency.mean_ms is None else round(latency.mean_ms),
        "confidence_mean": round(confidence_sum / heard, 3) if heard else None,
        "low_confidence_share": round(counts["low_confidence"] / heard, 3) if heard else None,
    }
