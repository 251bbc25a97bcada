"""The order in which what waits in a conversation goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from translation.turns import in_turn

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    seq: int
    second: int
    backfilled: bool = False
    is_begun: bool = False

    @property
    def sent_at(self) -> datetime:
        return NOON + timedelta(seconds=self.second)


def order(*said: Said) -> list[int]:
    return [one.seq for one in in_turn(said)]


def test_live_messages_keep_their_places_whatever_their_clocks_say():
    assert order(Said(1, second=9), Said(2, second=3), Said(3, second=5)) == [1, 2, 3]


def test_what_came_late_goes_where_it_was_said():
    late = [Said(4, second=2, backfilled=True), Said(5, second=3, backfilled=True)]

    assert order(Said(1, second=1), Said(2, second=4), Said(3, second=5), *late) == [1, 4, 5, 2, 3]


def test_nothing_goes_before_what_has_been_begun():
    assert order(Said(1, second=4, is_begun=True), Said(2, second=5), Said(3, 1, True)) == [1, 3, 2]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), max_size=12),
)
def test_all_stay_and_only_what_came_late_moves_and_only_forward(rows):
    said = [Said(seq, *row) for seq, row in enumerate(rows)]

    found = in_turn(said)

    assert sorted(one.seq for one in found) == list(range(len(said)))
    live = [one.seq for one in found if not one.backfilled]
    assert live == sorted(live)
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            if other.seq < one.seq:  # it was overtaken
                assert one.backfilled
                assert one.sent_at < other.sent_at
                assert not other.is_begun
