"""The operator's own patterns: in linear time, of bounded length, refused with a reason."""

from __future__ import annotations

import time

import pytest

from assist.redaction.custom import InvalidPattern, parse_patterns
from assist.redaction.redactor import Redactor, redacted


def test_an_own_pattern_is_taken_out_under_its_name() -> None:
    redactor = Redactor(patterns=parse_patterns("# staff\nSTAFF_ID S-\\d{4}\n"))
    text = "señora, I am S-1234 today"

    assert redacted(text, redactor.find(text)).text == "señora, I am [STAFF_ID] today"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("staff x", "capitals"),
        ("CARD x", "none of"),
        ("A " + "x" * 301, "1 to 300 characters"),
        ("A", "1 to 300 characters"),
        (r"A (a)\1", "RE2"),
        ("A (?=a)", "RE2"),
        ("A (", "RE2"),
        ("A a*", "empty text"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(line, said) -> None:
    with pytest.raises(InvalidPattern, match=said):
        parse_patterns(line)


def test_more_patterns_than_are_run_are_refused() -> None:
    with pytest.raises(InvalidPattern, match="at most 50"):
        parse_patterns("\n".join(f"A{n} x" for n in range(51)))


def test_a_pattern_that_backtracks_elsewhere_takes_linear_time_here() -> None:
    redactor = Redactor(patterns=parse_patterns("EVIL (a+)+b"))

    began = time.process_time()
    redactor.find("a" * 8000)

    assert time.process_time() - began < 1
