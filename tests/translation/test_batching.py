"""Many conversations, few requests, and nobody pays for another's text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.translation.fakes import FakeClock, FakeProvider, settle, shout
from translation.batching import ROUNDS, Batcher, BatchResult
from translation.exceptions import (
    CredentialsRefused,
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExceeded,
    TextRefused,
    TooLarge,
    TranslationError,
)
from translation.providers.base import Translated


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def batcher(provider: FakeProvider, clock: FakeClock) -> AsyncIterator[Batcher]:
    batcher = make(provider, clock)
    yield batcher
    await batcher.aclose()


def make(provider: FakeProvider, clock: FakeClock, **options: int) -> Batcher:
    return Batcher(
        provider,
        target="EN-US",
        random=lambda: 0.0,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        now=clock.now,
        **({"free_flights": 2} | options),
    )


def ask(batcher: Batcher, text: str, **wish: str) -> asyncio.Task[BatchResult]:
    return asyncio.create_task(batcher.translate(text, **wish), name=text[:20])


async def outcome(task: asyncio.Task[BatchResult]) -> str:
    try:
        return (await task).text
    except TranslationError as error:
        return type(error).__name__


async def test_texts_that_come_together_share_a_request(
    batcher: Batcher, provider: FakeProvider
) -> None:
    results = await asyncio.gather(*(batcher.translate(f"texto {n}") for n in range(50)))

    assert [result.text for result in results] == [f"TEXTO {n}" for n in range(50)]
    assert len(provider.requests) == 1
    assert results[0] == BatchResult("TEXTO 0", "es", "fake", 0, from_memory=False)


async def test_more_than_a_request_holds_makes_more_requests(
    batcher: Batcher, provider: FakeProvider
) -> None:
    await asyncio.gather(*(batcher.translate(f"texto {n}") for n in range(120)))

    assert [len(texts) for texts in provider.requests] == [50, 50, 20]


async def test_a_third_request_gathers_for_a_moment_and_the_first_two_do_not(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.hold()
    tasks = []
    for text in ("a", "b", "c", "d"):
        tasks.append(ask(batcher, text))
        await settle()
    assert provider.requests == [["a"], ["b"]]

    await clock.advance(0.005)

    assert provider.requests == [["a"], ["b"], ["c", "d"]]


async def test_a_full_request_does_not_gather_any_longer(
    batcher: Batcher, provider: FakeProvider
) -> None:
    provider.hold()
    for text in ("a", "b"):
        ask(batcher, text)
        await settle()

    tasks = [ask(batcher, f"t{n}") for n in range(50)]
    await settle()

    assert len(provider.requests[2]) == len(tasks)


async def test_no_more_requests_are_out_than_allowed(
    provider: FakeProvider, clock: FakeClock
) -> None:
    batcher, gate = make(provider, clock, max_in_flight=3), provider.hold()
    tasks = [ask(batcher, f"t{n}") for n in range(400)]

    await clock.advance(1.0)
    assert provider.in_flight == 3
    gate.set()

    assert len(await asyncio.gather(*tasks)) == 400
    await batcher.aclose()


async def test_equal_texts_are_asked_once_also_while_the_first_is_on_its_way(
    batcher: Batcher, provider: FakeProvider
) -> None:
    gate = provider.hold()
    early = [ask(batcher, "hola") for _ in range(3)]
    await settle()
    late = ask(batcher, "hola")
    await settle()
    gate.set()

    assert [(await task).text for task in [*early, late]] == ["HOLA"] * 4
    assert provider.requests == [["hola"]]


async def test_a_context_steers_only_its_own_conversation(
    batcher: Batcher, provider: FakeProvider
) -> None:
    await asyncio.gather(
        batcher.translate("a", conversation="c1", context="una tienda"),
        batcher.translate("b", conversation="c2", context="una tienda"),
        batcher.translate("c", conversation="c1", context="una tienda"),
        batcher.translate("d", conversation="c3"),
        batcher.translate("e", context="of nobody"),
    )

    together = dict(zip(map(tuple, provider.requests), provider.asked, strict=True))
    assert set(together) == {("a", "c"), ("b",), ("d", "e")}
    assert together["d", "e"]["context"] is None
    assert together["b",]["context"] == "una tienda"


async def test_sources_and_targets_do_not_mix_in_a_request(
    batcher: Batcher, provider: FakeProvider
) -> None:
    await asyncio.gather(
        batcher.translate("a", source="ES"),
        batcher.translate("b", source="es"),
        batcher.translate("c", source="auto"),
        batcher.translate("d", target="es"),
    )

    assert provider.requests == [["a", "b"], ["c"], ["d"]]
    assert [asked["source"] for asked in provider.asked] == ["es", None, None]
    assert [asked["target"] for asked in provider.asked] == ["en-US", "en-US", "es"]


async def test_a_caller_that_goes_away_harms_nobody(
    batcher: Batcher, provider: FakeProvider
) -> None:
    gate = provider.hold()
    first, second, third = (ask(batcher, text) for text in ("hola", "hola", "adiós"))
    await settle()

    first.cancel()
    gate.set()

    assert (await second).text == "HOLA"
    assert (await third).text == "ADIÓS"
    with suppress(asyncio.CancelledError):
        await first
    assert batcher.health.waiting == 0


async def test_a_text_that_nobody_waits_for_any_more_is_not_asked(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    gate = provider.hold()
    out = []
    for text in ("a", "b"):
        out.append(ask(batcher, text))
        await settle()
    gone = ask(batcher, "hola")  # the third gathers
    await settle()

    gone.cancel()
    await clock.advance(1.0)
    gate.set()
    await asyncio.gather(*out)

    assert provider.requests == [["a"], ["b"]]
    assert batcher.health.waiting == 0


async def test_too_large_a_request_is_halved_until_it_fits(
    batcher: Batcher, provider: FakeProvider
) -> None:
    def at_most_two(texts: list[str]) -> list[Translated]:
        if len(texts) > 2:
            raise TooLarge
        return shout(texts)

    provider.always = at_most_two
    results = await asyncio.gather(*(batcher.translate(f"t{n}") for n in range(7)))

    assert [result.text for result in results] == [f"T{n}" for n in range(7)]


async def test_a_text_that_is_too_large_alone_fails_alone(
    batcher: Batcher, provider: FakeProvider
) -> None:
    huge = ask(batcher, "ж" * 100_000)

    assert (await batcher.translate("hola")).text == "HOLA"
    assert await outcome(huge) == "TooLarge"
    assert provider.requests == [["hola"]]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TextRefused("status 400"), "TextRefused"),
        (InvalidAnswer("an empty translation", of_text=True), "InvalidAnswer"),
        (ProviderUnavailable("status 500", reached=True), "ProviderUnavailable"),
    ],
)
async def test_one_bad_text_does_not_take_the_others_along(
    batcher: Batcher,
    provider: FakeProvider,
    clock: FakeClock,
    error: TranslationError,
    expected: str,
) -> None:
    def choke(texts: list[str]) -> list[Translated]:
        if "bad" in texts:
            raise error
        return shout(texts)

    provider.always = choke
    tasks = [ask(batcher, text) for text in ("a", "bad", "b", "c")]
    await clock.advance(20.0)

    assert [await outcome(task) for task in tasks] == ["A", expected, "B", "C"]
    assert batcher.health.state == "ok"
    assert sum("bad" in texts for texts in provider.requests) <= 3


def choking(texts: list[str]) -> list[Translated]:
    """One text is too much for this provider, whoever asks and how often."""
    if "bad" in texts:
        raise ProviderUnavailable("status 500", reached=True)
    return shout(texts)


async def test_a_text_that_always_fails_does_not_close_the_provider_for_others(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.always = choking
    for _ in range(3):  # rounds of tries, and nobody else asks
        task = ask(batcher, "bad")
        await clock.advance(7.0)
        assert await outcome(task) == "ProviderUnavailable"

    assert batcher.health.state == "ok"
    assert await outcome(ask(batcher, "hola")) == "HOLA"


async def test_a_text_that_always_fails_is_no_probe_for_ever(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    down = ProviderUnavailable("status 503", reached=True)
    provider.script = [down] * 6
    tasks = [ask(batcher, "bad"), ask(batcher, "hola", source="es")]
    await clock.advance(10.0)
    assert batcher.health.state == "open"
    provider.script, provider.always = [], choking

    for _ in range(3):  # the bad one is always the first to ask again
        await clock.advance(15.0)
        tasks = [ask(batcher, "bad"), ask(batcher, "hola", source="es")]
        await clock.advance(10.0)
        found = [await outcome(task) for task in tasks]

    assert found == ["ProviderUnavailable", "HOLA"]
    assert batcher.health.state == "ok"


async def test_whose_fault_it_is_shows_when_others_are_answered_round_after_round(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    async def fails() -> bool:
        task = ask(batcher, "bad")
        await clock.advance(7.0)
        with pytest.raises(ProviderUnavailable) as raised:
            await task
        return raised.value.answers_others

    provider.always = choking
    assert [await fails() for _ in range(8)] == [False] * 8  # an outage may look like that

    seen = []
    for number in range(ROUNDS):
        await batcher.translate(f"hola {number}")
        seen.append(await fails())
    assert seen == [False] * (ROUNDS - 1) + [True]

    provider.always = shout
    assert await outcome(ask(batcher, "bad")) == "BAD"
    provider.always = choking
    assert not await fails()


async def test_an_unreachable_provider_is_asked_three_times_with_growing_delays(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    def down(texts: list[str]) -> list[Translated]:
        raise ProviderUnavailable("AnswerUnknown")

    provider.always = down
    task = ask(batcher, "hola")

    counts = []
    for seconds in (1.9, 0.2, 3.8, 0.2):
        await clock.advance(seconds)
        counts.append(len(provider.requests))
    assert counts == [1, 2, 2, 3]
    with pytest.raises(ProviderUnavailable) as raised:
        await task
    assert raised.value.retryable


async def test_while_throttled_nothing_at_all_is_asked(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.script = [ProviderThrottled(30.0)]
    first = ask(batcher, "hola")
    await settle()
    second = ask(batcher, "adiós")

    await clock.advance(29.9)
    assert provider.requests == [["hola"]]
    assert batcher.health.state == "throttled"
    await clock.advance(0.2)

    assert [await outcome(first), await outcome(second)] == ["HOLA", "ADIÓS"]
    assert batcher.health.state == "ok"


async def test_a_provider_that_throttles_for_ever_is_given_up_and_is_not_open(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.script = [ProviderThrottled(None)] * 3
    task = ask(batcher, "hola")

    await clock.advance(30.0)

    assert await outcome(task) == "ProviderUnavailable"
    assert batcher.health.state == "ok"


@pytest.mark.parametrize(
    ("error", "state"),
    [(QuotaExceeded(), "quota"), (CredentialsRefused(), "credentials")],
)
async def test_nothing_more_is_asked_until_the_operator_acts(
    batcher: Batcher,
    provider: FakeProvider,
    clock: FakeClock,
    error: TranslationError,
    state: str,
) -> None:
    provider.script = [error]
    assert await outcome(ask(batcher, "hola")) == type(error).__name__

    for _ in range(5):
        await clock.advance(600.0)
        assert await outcome(ask(batcher, "hola")) == type(error).__name__
    assert len(provider.requests) == 1
    assert batcher.health.state == state
    assert batcher.health.reason

    batcher.reopen()
    assert await outcome(ask(batcher, "hola")) == "HOLA"
    assert batcher.health.state == "ok"


async def test_a_long_outage_opens_the_breaker_and_one_probe_closes_it(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.script = [ProviderUnavailable("status 503")] * 6
    tasks = [ask(batcher, "hola"), ask(batcher, "adiós", source="es")]
    await clock.advance(10.0)
    assert [await outcome(task) for task in tasks] == ["ProviderUnavailable"] * 2
    assert batcher.health.state == "open"
    asked = len(provider.requests)

    refused = await outcome(ask(batcher, "hola"))
    assert (refused, len(provider.requests)) == ("ProviderUnavailable", asked)

    await clock.advance(15.0)
    gate = provider.hold()
    probes = [ask(batcher, "hola"), ask(batcher, "adiós", source="es")]
    await clock.advance(1.0)
    assert provider.in_flight == 1
    provider.script = []
    gate.set()

    assert [await outcome(task) for task in probes] == ["HOLA", "ADIÓS"]
    assert batcher.health.state == "ok"


async def test_too_many_waiting_callers_are_turned_away_at_once(
    provider: FakeProvider, clock: FakeClock
) -> None:
    batcher, gate = make(provider, clock, max_waiting=3), provider.hold()
    tasks = [ask(batcher, f"t{n}") for n in range(3)]
    await settle()

    with pytest.raises(ProviderUnavailable, match="too many"):
        await asyncio.wait_for(batcher.translate("one more"), timeout=1.0)

    assert (batcher.health.waiting, batcher.health.turned_away) == (3, 1)
    gate.set()
    await asyncio.gather(*tasks)
    await batcher.aclose()


async def test_callers_are_told_when_the_adapter_itself_fails(
    batcher: Batcher, provider: FakeProvider, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    provider.script = [ValueError("secret words of a guest")] * 3
    task = ask(batcher, "hola")

    await clock.advance(10.0)

    assert await outcome(task) == "ProviderUnavailable"
    assert "ValueError" in caplog.text
    assert "secret words" not in caplog.text


async def test_closing_tells_whoever_still_waits(batcher: Batcher, provider: FakeProvider) -> None:
    provider.hold()
    tasks = [ask(batcher, "hola"), ask(batcher, "adiós", source="es")]
    await settle()

    await batcher.aclose()

    assert [await outcome(task) for task in tasks] == ["ProviderUnavailable"] * 2
    assert await outcome(ask(batcher, "otra")) == "ProviderUnavailable"


async def test_a_blank_text_is_nobodys_request(batcher: Batcher, provider: FakeProvider) -> None:
    assert await outcome(ask(batcher, " \n")) == "TextRefused"
    assert provider.requests == []


async def test_callers_of_one_failed_request_raise_errors_of_their_own(
    batcher: Batcher, provider: FakeProvider
) -> None:
    provider.script = [QuotaExceeded()]

    errors = await asyncio.gather(
        batcher.translate("a"), batcher.translate("a"), return_exceptions=True
    )

    assert errors[0] is not errors[1]
    assert [str(error) for error in errors] == ["the provider's quota is used up"] * 2
