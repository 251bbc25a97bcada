"""Delays double to a cap, with jitter, for ever."""

from __future__ import annotations

from itertools import islice

from conversations.net.backoff import delays


def test_the_delays_double_up_to_thirty_seconds() -> None:
    without_jitter = list(islice(delays(random=lambda: 0.0), 8))

    assert without_jitter == [1, 2, 4, 8, 16, 30, 30, 30]


def test_up_to_a_second_of_jitter_is_added_also_at_the_cap() -> None:
    with_jitter = list(islice(delays(random=lambda: 0.5), 7))

    assert with_jitter[0] == 1.5
    assert with_jitter[-1] == 30.5


def test_the_delays_never_end_and_never_overflow() -> None:
    assert next(islice(delays(random=lambda: 0.0), 5000, None)) == 30


def test_the_cap_may_hold_for_delay_and_jitter_together() -> None:
    capped = list(islice(delays(random=lambda: 0.5, capped_jitter=True), 7))

    assert capped == [1.5, 2.5, 4.5, 8.5, 16.5, 30, 30]
