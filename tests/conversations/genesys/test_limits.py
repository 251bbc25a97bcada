"""What a guest may send, and how fast: pure, with time passed in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.exceptions import (
    AttachmentRefused,
    ContextRefused,
    EmptyMessage,
    GuestInfoRefused,
    TextTooLong,
)
from conversations.genesys.limits import (
    MAX_CONTEXT_BYTES,
    SlidingWindow,
    check_context,
    check_guest,
    check_text,
    utf16_units,
)


@pytest.mark.parametrize(("text", "units"), [("", 0), ("añ", 2), ("😀", 2), ("a😀b", 4), ("語", 1)])
def test_length_is_counted_as_the_platform_counts(text: str, units: int):
    assert utf16_units(text) == units


@pytest.mark.parametrize("text", ["a" * 4096, "😀" * 2048])
def test_4096_units_fit(text: str):
    check_text(text)


@pytest.mark.parametrize("text", ["a" * 4097, "😀" * 2048 + "a"])
def test_4097_units_do_not_and_the_error_says_both_numbers(text: str):
    with pytest.raises(TextTooLong, match=r"4,097.*4,096"):
        check_text(text)


def test_a_message_needs_a_text_or_an_attachment():
    with pytest.raises(EmptyMessage):
        check_text(" \n")

    check_text("", attachments=1)


def test_an_eleventh_file_is_refused_and_not_left_out():
    check_text("", attachments=10)

    with pytest.raises(AttachmentRefused, match="takes 10, and these are 11"):
        check_text("see", attachments=11)


def test_a_context_is_an_object_that_fits_a_frame():
    check_context({"uiState": "checkout", "cartValue": 149.99})

    for wrong in (None, [], "x", {"cart": math.nan}, {1: 2}, {"a": "x" * MAX_CONTEXT_BYTES}):
        with pytest.raises(ContextRefused):
            check_context(wrong)


def test_a_context_of_a_megabyte_is_refused_with_its_size():
    with pytest.raises(ContextRefused, match="1,048"):
        check_context({"blob": "x" * 1_048_576})


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [
        ("", "ana@example.org", "name"),
        ("x" * 201, "ana@example.org", "name"),
        ("Ana", "", "email"),
        ("Ana", "ana", "email"),
        ("Ana", "ana@host", "email"),
        ("Ana", "a b@example.org", "email"),
        ("Ana", "a@b@example.org", "email"),
        ("Ana", "@example.org", "email"),
        ("Ana", "ana@.org", "email"),
        ("Ana", "ana@example.org\n", "email"),
    ],
)
def test_a_guest_needs_a_name_and_a_valid_address(name: str, email: str, field: str):
    with pytest.raises(GuestInfoRefused) as refused:
        check_guest(name, email)

    assert refused.value.field == field


def test_an_address_in_any_script_is_valid():
    check_guest("María", "josé+chat@correo.example")


def send_all(arrivals: list[float], window: SlidingWindow | None = None) -> list[float]:
    """When each would leave, first in, first out, if the sender waits as it is told."""
    window = window or SlidingWindow()
    now, left = 0.0, []
    for arrival in arrivals:
        now = max(now, arrival)
        now += window.wait_s(now)
        window.sent(now)
        left.append(now)
    return left


arrival_times = st.lists(st.floats(0, 30, allow_nan=False), max_size=120).map(sorted)


@given(arrival_times)
def test_never_eleven_in_any_second_and_none_is_lost(arrivals: list[float]):
    left = send_all(arrivals)

    assert len(left) == len(arrivals)
    for first, eleventh in zip(left, left[10:], strict=False):
        assert eleventh - first > 1.0


@given(arrival_times)
def test_order_is_kept_and_nobody_waits_who_need_not(arrivals: list[float]):
    left = send_all(arrivals)

    assert left == sorted(left)
    for index, (arrival, sent) in enumerate(zip(arrivals, left, strict=True)):
        if index < 10:
            assert sent == arrival


def test_200_messages_at_once_take_twenty_seconds_and_all_go():
    left = send_all([0.0] * 200)

    assert len(left) == 200
    assert 19 <= left[-1] <= 21
