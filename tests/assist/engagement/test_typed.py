"""How keystrokes add up, worked out by hand; and that it does not matter in which pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assist.engagement.typed import BURST_PAUSE_MS, Typed, words_a_minute

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def typed(*reports: tuple[float, int]) -> Typed:
    """(seconds after START, keystrokes), one after the other."""
    made = [Typed.reported(count, START + timedelta(seconds=second)) for second, count in reports]
    return reduce(Typed.then, made)


def figures(one: Typed) -> tuple[int, int, int, int]:
    return one.keystrokes, one.active_ms, one.duration_ms, one.bursts


def test_a_pause_of_over_three_seconds_is_elapsed_but_not_active():
    # 0 … 2 s typed, 8 s of thinking, 10 … 13 s typed (a pause of exactly 3 s is still typing).
    one = typed((0, 1), (1, 4), (2, 5), (10, 1), (13, 9))

    assert figures(one) == (20, 2_000 + 3_000, 13_000, 2)
    # (20 / 5) words in 13 s are 18.46 a minute, in the 5 s of typing 48.
    assert words_a_minute(one.keystrokes, one.duration_ms) == 18
    assert words_a_minute(one.keystrokes, one.active_ms) == 48


def test_one_keystroke_takes_no_time_and_is_no_speed():
    one = typed((0, 1))

    assert figures(one) == (1, 0, 0, 1)
    assert words_a_minute(one.keystrokes, one.duration_ms) == 0


@pytest.mark.parametrize(
    ("keystrokes", "time_ms", "expected"),
    [
        (0, 0, 0), (0, 60_000, 0), (50, 0, 0), (50, -5, 0),
        (300, 60_000, 60), (1, 60_000, 0),
        (2, 60_000, 0), (3, 60_000, 1),  # 0.4 and 0.6 words
        (5, 120_000, 1), (15, 120_000, 2),  # 0.5 and 1.5: halves go up
    ],
)  # fmt: skip
def test_words_a_minute(keystrokes: int, time_ms: int, expected: int):
    assert words_a_minute(keystrokes, time_ms) == expected


def test_a_clock_that_is_set_back_an_hour_costs_one_interval_and_no_more():
    # 0, 1, 2 s; then the clock goes back 3,600 s and typing goes on for two more seconds.
    one = typed((0, 1), (1, 1), (2, 1), (-3_597, 1), (-3_596, 1), (-3_595, 1))

    assert figures(one) == (6, 4_000, 4_000, 2)
    assert one.last_at == START - timedelta(seconds=3_595)


def test_a_clock_that_jumps_ahead_makes_no_active_time():
    one = typed((0, 1), (1, 1), (3_602, 1), (3_603, 1))

    assert figures(one) == (4, 2_000, 3_603_000, 2)


def test_a_piece_that_arrives_late_is_added_and_moves_no_end_back():
    earlier, later = typed((0, 1), (2, 3)), typed((4, 1), (5, 3))

    one = later.then(earlier)

    assert figures(one) == (8, 3_000, 3_000, 2)
    assert (one.first_at, one.last_at) == (START, START + timedelta(seconds=5))


@given(
    steps=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 40)), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
)
def test_pieces_give_what_the_whole_gives(steps, cuts):
    moments, at = [], 0
    for step_ms, count in steps:
        at += step_ms
        moments.append((at / 1000, count))
    edges = [0, *sorted(cut for cut in cuts if cut < len(moments)), len(moments)]
    pieces = [typed(*moments[a:b]) for a, b in pairwise(edges)]

    whole = typed(*moments)

    assert reduce(Typed.then, pieces) == whole
    gaps = [step_ms for step_ms, _ in steps[1:]]
    assert whole.duration_ms == sum(gaps)
    assert whole.active_ms == sum(gap for gap in gaps if gap <= BURST_PAUSE_MS)
    assert whole.bursts == 1 + sum(gap > BURST_PAUSE_MS for gap in gaps)
