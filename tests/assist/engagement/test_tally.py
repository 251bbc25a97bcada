"""The tally is bounded, counts at once, and tells of each burst's end once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assist.engagement.tally import Tally

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BEN = (1, "anna"), (1, "ben")


def test_what_is_taken_is_gone_and_two_agents_stay_apart():
    tally = Tally()
    tally.add(ANNA, 3, AT, now=0.0)
    tally.add(BEN, 5, AT, now=0.1)
    tally.add(ANNA, 4, AT + timedelta(seconds=1), now=1.0)

    taken = tally.take()

    assert {key: typed.keystrokes for key, typed in taken.items()} == {
        (1, "anna", AT.date()): 7,
        (1, "ben", AT.date()): 5,
    }
    assert tally.take() == {}


def test_midnight_begins_another_row():
    tally = Tally()
    late = datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)
    tally.add(ANNA, 1, late, now=0.0)
    tally.add(ANNA, 1, late + timedelta(seconds=2), now=2.0)

    assert sorted(key[2].day for key in tally.take()) == [2, 3]


def test_beyond_its_bound_a_known_pair_still_counts_and_a_new_one_is_told_of():
    tally = Tally(limit=1)

    assert tally.add(ANNA, 1, AT, now=0.0)
    assert not tally.add(BEN, 7, AT, now=0.0)
    assert tally.add(ANNA, 1, AT, now=0.5)

    assert tally.dropped == 7
    assert [typed.keystrokes for typed in tally.take().values()] == [2]


def test_a_burst_ends_three_seconds_after_its_last_keystroke_once_it_is_stored():
    tally = Tally()
    tally.add(ANNA, 1, AT, now=0.0)

    assert tally.ended(now=10.0) == []  # not stored yet
    tally.take()
    assert tally.ended(now=3.0) == []
    assert tally.ended(now=3.01) == [ANNA]
    assert tally.ended(now=10.0) == []
    assert not tally
