"""A text in parts: nothing of it is lost, and no part is longer than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.parts import Part, part_at


def parts_of(whole: str, most: int) -> list[Part]:
    found = [part_at(whole, most=most)]
    while not found[-1].is_last:
        found.append(part_at(whole, start=found[-1].end, most=most))
    return found


def texts_of(whole: str, most: int) -> list[str]:
    return [part.text for part in parts_of(whole, most)]


@given(st.text(max_size=300), st.integers(min_value=20, max_value=120))
def test_the_parts_are_the_whole_but_for_white_space_where_they_meet(whole: str, most: int):
    parts = parts_of(whole, most)

    assert "".join("".join(part.text for part in parts).split()) == "".join(whole.split())
    assert all(len(part.text) <= most for part in parts)
    assert all(part.text for part in parts[1:])
    starts, ends = [part.start for part in parts], [part.end for part in parts]
    assert starts == [0, *ends[:-1]]


@given(st.text(max_size=300))
def test_without_a_limit_it_is_sent_as_it_stands(whole: str):
    assert parts_of(whole, 0) == [Part(whole, 0, len(whole), is_last=True)]


@pytest.mark.parametrize(
    ("whole", "most", "parts"),
    [
        ("One is here. Two is here. Three.", 26, ["One is here. Two is here.", "Three."]),
        ("Is it? “It is.” So it goes on and on", 22, ["Is it? “It is.”", "So it goes on and on"]),
        # No sentence ends in the second half: behind a word.
        ("A. one two three four five six", 20, ["A. one two three", "four five six"]),
        ("一二三四五。六七八九十。甲乙丙丁", 13, ["一二三四五。六七八九十。", "甲乙丙丁"]),
        ("مرحبا. كيف حالك؟ أنا بخير", 18, ["مرحبا. كيف حالك؟", "أنا بخير"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("one\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\ntwo", 10, ["one", "two"]),
        ("one two" + " " * 40, 10, ["one two"]),
        ("e\u0301" * 11, 21, ["e\u0301" * 10, "e\u0301"]),
        # A family is one character to a reader.
        ("x" * 17 + "👨\u200d👩\u200d👧 and more", 20, ["x" * 17, "👨\u200d👩\u200d👧 and more"]),
        ("x" * 19 + "👍🏽 is one", 20, ["x" * 19, "👍🏽 is one"]),
    ],
)
def test_it_is_cut_where_a_reader_would(whole: str, most: int, parts: list[str]):
    assert texts_of(whole, most) == parts
