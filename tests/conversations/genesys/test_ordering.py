"""Order by sequence ids: whatever way they come, the transcript ends up the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.ordering import MAX_ID, Ordering, missing_between, order_key

UUID = "7d9f0c1a-3b2e-4c5d-8e6f-"


def placed(*ids: str | None) -> Ordering[str]:
    ordering: Ordering[str] = Ordering()
    for number, sequence_id in enumerate(ids):
        ordering.place(sequence_id or f"arrived {number}", sequence_id=sequence_id)
    return ordering


def items(ordering: Ordering[str]) -> list[str]:
    return [row.item for row in ordering.rows]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("9", "10"),
        ("msg-9", "msg-10"),
        ("a1-99", "a2-1"),
        (UUID + "0000000000a9", UUID + "000000000010"),
        ("f" + UUID[1:] + "000000000009", "0" + UUID[1:] + "000000000010"),
        (UUID + "0123456789ab-9", "0" + UUID[1:] + "ba9876543210-10"),
    ],
)
def test_ids_grow_by_their_numbers(earlier: str, later: str):
    one, two = order_key(earlier), order_key(later)

    assert one is not None
    assert two is not None
    assert one < two


@pytest.mark.parametrize("sequence_id", [None, "", "abc", "9x", "²", "٣", "7" * (MAX_ID + 1)])
def test_what_has_no_number_at_its_end_has_no_place_of_its_own(sequence_id: str | None):
    assert order_key(sequence_id) is None


def test_a_message_without_an_id_stands_where_it_arrived():
    ordering = placed("2", None, "4", "nonsense", "1", "3")

    assert items(ordering) == ["1", "2", "arrived 1", "3", "4", "nonsense"]


def test_a_late_message_is_said_to_be_late_and_goes_into_its_place():
    ordering = placed("msg-9", "msg-11")

    placement = ordering.place("msg-10", sequence_id="msg-10")

    assert placement is not None
    assert placement.is_late
    assert placement.following is not None
    assert placement.following.item == "msg-11"
    assert items(ordering) == ["msg-9", "msg-10", "msg-11"]


def test_a_repeated_message_is_dropped_and_counted():
    ordering = placed("7", "8", "abc")

    assert [ordering.place("again", sequence_id=one) for one in ("8", "7", "abc")] == [None] * 3
    assert ordering.repeated == 3
    assert items(ordering) == ["7", "8", "abc"]


def test_a_gap_is_known_until_it_is_filled():
    ordering = placed("msg-1", "msg-5")
    assert ordering.rows[1].missing == 3

    ordering.place("msg-3", sequence_id="msg-3")
    assert [row.missing for row in ordering.rows] == [0, 1, 1]

    ordering.place("msg-2", sequence_id="msg-2")
    ordering.place("msg-4", sequence_id="msg-4")
    assert [row.missing for row in ordering.rows] == [0] * 5


def test_ids_of_different_kinds_have_no_gap_between_them():
    assert missing_between("a-1", "b-9") == 0
    assert missing_between("x", "9") == 0
    assert missing_between("9", "9") == 0


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first():
    ordering: Ordering[int] = Ordering(kept=3)
    for number in range(5):
        ordering.place(number, sequence_id=str(number))

    assert [row.item for row in ordering.rows] == [2, 3, 4]
    assert ordering.forgotten == 2
    assert ordering.place(99, sequence_id="0") is None  # still known as a repeated one


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Some of a run of ids, in order; and the same ids shuffled, some of them repeated."""
    form = draw(st.sampled_from(["{}", "msg-{}", UUID + "{:012d}", "s{}"]))
    numbers = draw(st.sets(st.integers(0, 250), min_size=1, max_size=40))
    ids = [form.format(number) for number in sorted(numbers)]
    repeated = draw(st.lists(st.sampled_from(ids), max_size=20))
    return ids, draw(st.permutations([*ids, *repeated]))


@given(deliveries())
def test_any_permutation_with_repeats_and_gaps_gives_the_same_transcript(
    delivered: tuple[list[str], list[str]],
):
    ids, shuffled = delivered

    in_order, out_of_order = placed(*ids), placed(*shuffled)

    assert items(out_of_order) == items(in_order) == ids
    assert [row.missing for row in out_of_order.rows] == [row.missing for row in in_order.rows]
    assert out_of_order.repeated == len(shuffled) - len(ids)


@given(st.lists(st.text(max_size=12), max_size=30))
def test_any_ids_at_all_lose_nothing_and_show_nothing_twice(ids: list[str]):
    ordering = placed(*ids)

    known = [one for one in ids if one]
    assert len(ordering.rows) == len(set(known)) + len(ids) - len(known)
