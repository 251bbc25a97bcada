"""Intervals and response times of stored messages, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from assist.engagement.answers import GUEST, Said, Spoken, intervals_of, said_by_agent

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
ANNA, BEN = "agent-anna", "agent-ben"


def said(*messages: tuple[str, float]) -> list[Spoken]:
    return [Spoken(by, START + timedelta(seconds=second)) for by, second in messages]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def test_a_response_counts_from_the_oldest_message_that_nobody_answered():
    # Guest at 0 and 20, Anna at 50 (after 50 s) and 60; guest at 100, Anna at 110 (after 10 s).
    talk = said((GUEST, 0), (GUEST, 20), (ANNA, 50), (ANNA, 60), (GUEST, 100), (ANNA, 110))

    found = said_by_agent(talk)

    assert found == {
        (ANNA, DAY): Said(
            messages=3, intervals=2, interval_sum_ms=60_000, responses=2,
            response_sum_ms=60_000, first_response_ms=50_000, last_at=at(110),
        )
    }  # fmt: skip
    assert intervals_of(ANNA, talk) == [10.0, 50.0]


def test_two_agents_in_one_conversation_each_have_their_own_figures():
    # Anna answers after 5 s; Ben takes over and answers the next after 30 s, then speaks again.
    talk = said((GUEST, 0), (ANNA, 5), (BEN, 7), (GUEST, 10), (BEN, 40), (ANNA, 65))

    found = said_by_agent(talk)

    anna, ben = found[ANNA, DAY], found[BEN, DAY]
    assert (anna.messages, anna.intervals, anna.interval_sum_ms) == (2, 1, 60_000)
    assert (anna.responses, anna.first_response_ms) == (1, 5_000)
    assert (ben.messages, ben.intervals, ben.interval_sum_ms) == (2, 1, 33_000)
    assert (ben.responses, ben.response_sum_ms, ben.first_response_ms) == (1, 30_000, 30_000)
    assert intervals_of(ANNA, talk) == [60.0]


def test_whoever_speaks_first_has_answered_nobody():
    found = said_by_agent(said((ANNA, 0), (GUEST, 10), (ANNA, 12)))[ANNA, DAY]

    assert (found.responses, found.response_sum_ms, found.first_response_ms) == (1, 2_000, 2_000)


def test_a_clock_that_goes_backwards_gives_no_negative_time():
    found = said_by_agent(said((GUEST, 10), (ANNA, 4), (ANNA, 2)))[ANNA, DAY]

    assert (found.interval_sum_ms, found.response_sum_ms, found.first_response_ms) == (0, 0, 0)


def test_the_first_answer_counts_on_its_day_and_days_are_those_of_utc():
    late = datetime(2026, 3, 2, 23, 59, 50, tzinfo=UTC)
    tokyo = timezone(timedelta(hours=9))
    talk = [
        Spoken(GUEST, late),
        Spoken(ANNA, late + timedelta(seconds=5)),
        Spoken(ANNA, (late + timedelta(seconds=15)).astimezone(tokyo)),
    ]

    found = said_by_agent(talk)

    assert found[ANNA, DAY].first_response_ms == 5_000
    next_day = found[ANNA, date(2026, 3, 3)]
    assert (next_day.first_response_ms, next_day.interval_sum_ms) == (None, 10_000)


def test_nobody_said_anything():
    assert said_by_agent([]) == {}
    assert intervals_of(ANNA, said((GUEST, 1))) == []
