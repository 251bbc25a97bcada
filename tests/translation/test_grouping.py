"""The pure rules of sharing and repeating."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation.exceptions import (
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExceeded,
    TextRefused,
    TooLarge,
    TranslationError,
)
from translation.grouping import Again, Terms, Wanted, again, last_word, next_batch, weight

sources = st.sampled_from([None, "es", "fr"])


@st.composite
def wanted(draw: st.DrawFn) -> Wanted:
    return Wanted(
        text=draw(st.text(max_size=5)),
        terms=Terms(target="en", source=draw(sources), conversation=None, context=None),
        weight=draw(st.integers(1, 40)),
        since=0.0,
        not_before=draw(st.sampled_from([0.0, 0.0, 9.0])),
        limit=draw(st.sampled_from([1, 2, 1 << 30])),
    )


@given(st.lists(wanted(), max_size=30))
def test_every_batch_keeps_all_limits_and_all_texts_get_their_turn(waiting: list[Wanted]) -> None:
    left, turns = list(waiting), 0
    while left:
        batch, _ = next_batch(left, now=10.0, max_texts=4, max_bytes=50)

        assert 1 <= len(batch) <= min(4, *(item.limit for item in batch))
        assert len({item.terms for item in batch}) == 1
        assert sum(item.weight for item in batch) <= 50
        assert batch[0] is left[0]
        left = [item for item in left if item not in batch]
        turns += 1
    assert turns <= len(waiting)


def test_a_text_whose_time_has_not_come_is_left_where_it_is() -> None:
    terms = Terms(target="en", source=None, conversation=None, context=None)
    later = Wanted(text="a", terms=terms, weight=1, since=0.0, not_before=5.0)
    ready = Wanted(text="b", terms=terms, weight=1, since=0.0)

    assert next_batch([later, ready], now=4.0, max_texts=9, max_bytes=9) == ([ready], False)
    assert next_batch([later], now=4.0, max_texts=9, max_bytes=9) == ([], False)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_weight_is_never_less_than_the_text_takes_in_a_request(text: str) -> None:
    assert weight(text) > len(json.dumps(text, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("error", "texts", "attempts", "expected"),
    [
        (TooLarge(), 50, 1, Again(limit=25)),
        (TooLarge(), 1, 1, None),
        (InvalidAnswer("no JSON"), 50, 1, Again(limit=1)),
        (InvalidAnswer("no JSON"), 1, 2, Again(wait_s=4.0)),
        (InvalidAnswer("no JSON"), 1, 3, None),
        (TextRefused("status 400"), 2, 3, Again(limit=1)),
        (TextRefused("status 400"), 1, 1, None),
        (ProviderUnavailable("status 503"), 50, 2, Again(wait_s=4.0)),
        (ProviderUnavailable("status 503"), 50, 3, None),
        (ProviderUnavailable("status 503", reached=True), 50, 1, Again(limit=1, wait_s=4.0)),
        (ProviderUnavailable("status 503", reached=True), 1, 2, Again(wait_s=4.0)),
        (ProviderUnavailable("status 503", reached=True), 1, 3, None),
        (ProviderThrottled(9.0), 50, 1, Again()),
        (ProviderThrottled(9.0), 50, 3, None),
        (QuotaExceeded(), 50, 1, None),
    ],
)
def test_what_becomes_of_a_text_whose_request_failed(
    error: TranslationError, texts: int, attempts: int, expected: Again | None
) -> None:
    assert again(error, texts=texts, attempts=attempts, tries=3, wait_s=4.0) == expected


def test_a_caller_hears_of_throttling_as_unavailable_with_the_hint() -> None:
    error = last_word(ProviderThrottled(9.0), tries=3)

    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after_s == 9.0
