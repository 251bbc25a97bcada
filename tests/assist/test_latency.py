"""How late a chunk is, and what a histogram of many says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from assist.latency import Histogram, Latency, latency_of

_NOW = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ms", "latency"),
    [
        (0, Latency(0, is_late=False)),
        (800, Latency(800, is_late=False)),
        (801, Latency(801, is_late=True)),
        (-5000, Latency(0, is_late=False, is_ahead=True)),
    ],
)
def test_a_chunk_is_late_over_the_threshold_and_ahead_under_zero(ms, latency) -> None:
    media_at = _NOW - timedelta(milliseconds=ms)

    assert latency_of(media_at=media_at, received_at=_NOW, threshold_ms=800) == latency


def test_quantiles_are_those_of_the_values_within_a_bucket() -> None:
    rng = random.Random(1)
    values = sorted(round(rng.lognormvariate(5, 0.7)) for _ in range(5000))
    histogram = Histogram()
    for value in values:
        histogram.add(value)

    for share in (0.5, 0.95, 0.99):
        exact = values[int(share * len(values))]
        assert exact * 0.95 <= (histogram.quantile_ms(share) or 0) <= exact * 1.15 + 1
    assert histogram.mean_ms == pytest.approx(sum(values) / len(values))


def test_a_histogram_is_the_same_after_it_was_stored_and_added_up() -> None:
    first, second, both = Histogram(), Histogram(), Histogram()
    for number in range(100):
        (first if number % 2 else second).add(number * 37)
        both.add(number * 37)

    again = Histogram.of(first.stored(), total_ms=first.total_ms)
    again.merge(second)

    assert again == both


def test_nothing_heard_has_no_quantile() -> None:
    assert Histogram().quantile_ms(0.99) is None
    assert Histogram().mean_ms is None
