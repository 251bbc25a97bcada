"""Texts are composed as Unicode says, but for those that would take minutes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.keys import echo_key
from conversations.normal_form import MARKS_IN_A_ROW, nfc
from conversations.services.sameness import is_same_text

ACCENT, DOT_BELOW = "\u0301", "\u0323"
LETTERS = st.sampled_from(["e", "é", "ệ", "ك", "क", "한", " ", "1", "😀"])
MARKS = st.sampled_from([ACCENT, DOT_BELOW, "\u064b", "\u0f71", "\u0f73", "\u0344", "\u302a"])


@given(st.lists(st.tuples(LETTERS, st.lists(MARKS, max_size=MARKS_IN_A_ROW)), max_size=20))
def test_what_a_language_writes_is_composed(parts: list[tuple[str, list[str]]]) -> None:
    text = "".join(letter + "".join(marks) for letter, marks in parts)

    assert nfc(text) == unicodedata.normalize("NFC", text)


@given(st.text())
def test_any_text_is_composed_or_left_as_it_is(text: str) -> None:
    assert nfc(text) in (text, unicodedata.normalize("NFC", text))


def test_one_letter_with_as_many_accents_as_anybody_needs():
    text = "e" + ACCENT * MARKS_IN_A_ROW

    assert nfc(text) == unicodedata.normalize("NFC", text) != text


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "storm", [(ACCENT + DOT_BELOW) * 500_000, "\u0f73" * 500_000, "\u0344\u0316" * 500_000]
)
def test_a_storm_of_marks_holds_nobody_up(storm: str) -> None:
    text = f"e{storm}"

    assert nfc(text) == text
    assert echo_key(text) == echo_key(text) != echo_key(f"{text}.")
    assert is_same_text(text, text)
    assert not is_same_text(text, f"{text}.")
