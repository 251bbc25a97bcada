"""Slow down, it is down, and the operator has to act: three states, never mixed."""

from __future__ import annotations

from translation.breaker import Breaker
from translation.exceptions import (
    CredentialsRefused,
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    TextRefused,
)

DOWN = ProviderUnavailable("status 503")


def opened(*, at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(DOWN, now=at)
    return breaker


def test_five_failures_in_the_window_open_it() -> None:
    breaker = opened()

    assert breaker.state(now=0.0) == ("open", "status 503", 0.0)
    refusal = breaker.refusal(now=5.0)
    assert isinstance(refusal, ProviderUnavailable)
    assert refusal.retry_after_s == 10.0


def test_five_failures_over_a_longer_time_do_not() -> None:
    breaker = Breaker()
    for second in range(0, 100, 8):
        breaker.failed(DOWN, now=float(second))

    assert breaker.state(now=100.0)[0] == "ok"


def test_a_success_forgets_the_failures_before_it() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(DOWN, now=0.0)
    breaker.succeeded(now=1.0)
    breaker.failed(DOWN, now=2.0)

    assert breaker.state(now=2.0)[0] == "ok"


def test_the_failures_of_one_text_alone_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(9):
        breaker.failed(DOWN, now=0.0, text="a")
    assert breaker.state(now=0.0)[0] == "ok"

    breaker.failed(DOWN, now=0.0, text="b")
    assert breaker.state(now=0.0)[0] == "open"


def test_a_probe_that_failed_before_lets_another_text_be_the_probe() -> None:
    breaker = opened()
    assert breaker.take(now=15.0)
    breaker.failed(DOWN, now=15.0, text="a")
    assert not breaker.take(now=15.0)

    assert breaker.take(now=30.0)
    breaker.failed(DOWN, now=30.0, text="a")
    assert breaker.take(now=30.0)
    breaker.failed(DOWN, now=31.0, text="b")
    assert not breaker.take(now=31.0)


def test_only_one_probe_leaves_and_its_failure_waits_once_more() -> None:
    breaker = opened()

    assert not breaker.take(now=14.9)
    assert breaker.take(now=15.0)
    assert not breaker.take(now=15.0)
    breaker.failed(DOWN, now=16.0)

    assert not breaker.take(now=30.9)
    assert breaker.take(now=31.0)
    breaker.succeeded(now=31.5)
    assert breaker.state(now=31.5) == ("ok", "", 31.5)


def test_it_is_half_open_from_when_a_probe_is_due_until_that_has_its_answer() -> None:
    breaker = opened()

    assert breaker.state(now=14.9)[0] == "open"
    assert breaker.state(now=15.0) == ("half_open", "status 503", 0.0)
    breaker.take(now=15.0)
    assert breaker.state(now=16.0)[0] == "half_open"
    breaker.failed(DOWN, now=16.0)
    assert breaker.state(now=16.0)[0] == "open"


def test_texts_that_are_refused_say_that_the_provider_answers() -> None:
    breaker = opened()
    assert breaker.take(now=15.0)

    breaker.failed(TextRefused("status 400"), now=15.5)

    assert breaker.state(now=15.5)[0] == "ok"


def test_answers_that_are_no_json_count_and_a_bad_translation_does_not() -> None:
    breaker, patient = Breaker(), Breaker()
    for _ in range(5):
        breaker.failed(InvalidAnswer("no JSON"), now=0.0)
        patient.failed(InvalidAnswer("empty", of_text=True), now=0.0)

    assert breaker.state(now=0.0)[0] == "open"
    assert patient.state(now=0.0)[0] == "ok"


def test_the_longest_throttle_wins_and_does_not_open_the_breaker() -> None:
    breaker = Breaker()
    for wait_s in (5.0, 60.0, 1.0, 1.0, 1.0, 1.0):
        breaker.failed(ProviderThrottled(wait_s), now=0.0, wait_s=wait_s)

    assert breaker.wait_s(now=10.0) == 50.0
    assert breaker.state(now=10.0)[0] == "throttled"
    assert breaker.state(now=60.0) == ("ok", "", 60.0)


def test_a_late_success_does_not_open_the_gate_and_reopening_does() -> None:
    breaker = Breaker()
    breaker.failed(CredentialsRefused(), now=0.0)

    breaker.succeeded(now=1.0)
    assert breaker.state(now=9999.0)[0] == "credentials"
    breaker.reopen(now=10_000.0)

    assert breaker.take(now=10_000.0)
    assert breaker.state(now=10_000.0) == ("ok", "", 10_000.0)
