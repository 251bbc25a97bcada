"""The table of outcomes (reliability §2.4) and what a server may ask us to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.net.retry import Outcome, classify, retry_after_s, retry_delay_s

NOW = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204), Outcome.OK),
        ((301, 302, 304, 307, 308), Outcome.REFUSED),
        ((400, 404, 405, 409, 410, 413, 415, 418, 422), Outcome.PERMANENT),
        ((401,), Outcome.AUTH),
        ((403,), Outcome.FORBIDDEN),
        ((408, 425), Outcome.UNKNOWN),
        ((429,), Outcome.THROTTLED),
        ((500, 502, 503, 504, 599, 0, 100, 999), Outcome.UNKNOWN),
    ],
)
def test_each_status_has_its_outcome(statuses: tuple[int, ...], outcome: Outcome) -> None:
    assert {classify(status) for status in statuses} == {outcome}


def test_a_success_with_an_unreadable_body_is_unknown() -> None:
    assert classify(200, body_valid=False) is Outcome.UNKNOWN


def test_a_refusal_is_definite_whatever_its_body_says() -> None:
    assert classify(429, body_valid=False) is Outcome.THROTTLED
    assert classify(404, body_valid=False) is Outcome.PERMANENT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 1),
        ("1000000000", 60),
        ("9" * 299, 60),
        ("Sat, 15 Jun 2024 10:30:20 GMT", 20),
        ("Sat, 15 Jun 2024 10:00:00 GMT", 1),
        ("Sat, 15 Jun 2030 10:00:00 GMT", 60),
        ("Sat, 15 Jun 2024 10:30:20 -0000", 20),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_is_clamped(value: str, seconds: float) -> None:
    assert retry_after_s(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-5",
        "1e3",
        "٣",
        "9" * 5000,
        "Sat, 99 Jun 2024 10:30:20 GMT",
        "\x00",
        "inf",
    ],
)
def test_a_retry_after_that_is_garbage_is_none(value: str | None) -> None:
    assert retry_after_s(value, now=NOW) is None


def test_the_token_endpoint_may_ask_for_five_minutes() -> None:
    assert retry_after_s("1000", now=NOW, high=300) == 300


def test_without_advice_the_waits_are_two_four_and_eight_seconds() -> None:
    assert [retry_delay_s(attempt, random=lambda: 0.0) for attempt in (1, 2, 3)] == [2, 4, 8]
    assert retry_delay_s(1, random=lambda: 0.9) == 2.9
