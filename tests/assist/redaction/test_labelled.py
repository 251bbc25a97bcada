"""The labelled set: recall and precision on templates that nobody developed on."""

from __future__ import annotations

import pytest

from tests.assist.redaction.labelled import Figures, labelled_set, measured
from tests.assist.redaction.report import table
from tests.assist.redaction.splits import (
    leaks_of_acknowledged_cards,
    leaks_of_slow_cards,
    leaks_of_split_cards,
)
from tests.assist.redaction.templates import TEST, TRAIN


@pytest.fixture(scope="module")
def figures() -> Figures:
    utterances = labelled_set("test")
    assert len(utterances) >= 2000
    return measured(utterances)


@pytest.mark.parametrize(
    ("kind", "least"),
    [("CARD", 0.995), ("IBAN", 0.995), ("EMAIL", 0.995), ("PHONE", 0.98), ("SSN", 0.98)],
)
def test_enough_of_what_was_said_is_found(figures, kind, least) -> None:
    assert figures.said[kind] >= 200
    assert figures.recall(kind) >= least, table(figures)


def test_little_else_is_taken_out(figures) -> None:
    assert figures.precision() >= 0.9, table(figures)


def test_no_template_is_both_developed_on_and_judged_by() -> None:
    def sentences(part):
        return {one for kinds in part.values() for many in kinds.values() for one in many}

    assert not sentences(TRAIN) & sentences(TEST)


def test_split_card_numbers_are_found_whole() -> None:
    """Reliability J3: in two to five pieces, digits or words."""
    assert not leaks_of_split_cards(600)


def test_split_card_numbers_are_found_whole_where_each_piece_is_acknowledged() -> None:
    assert not leaks_of_acknowledged_cards(300)


def test_card_numbers_that_are_said_digit_by_digit_are_found_whole() -> None:
    assert not leaks_of_slow_cards(150)
