"""Numbers in pieces: what is held, what is joined, what is mended afterwards."""

from __future__ import annotations

import pytest

from assist.redaction.redactor import WITHHELD, Redactor
from assist.redaction.window import HOLD_S, MOST_REMEMBERED, REMEMBERED, RedactionWindow


def window(**options) -> RedactionWindow[str]:
    return RedactionWindow(Redactor(language="en-US"), **options)


def texts(released) -> list[str]:
    return [one.redacted.text for one in released]


def test_a_chunk_without_digits_goes_at_once() -> None:
    assert texts(window().final("good morning", "a", now=0)) == ["good morning"]


def test_a_trailing_run_of_digits_waits_for_the_next_chunk() -> None:
    pieces = window()

    assert pieces.final("my card is 4111 11", "a", now=0) == []
    assert texts(pieces.final("11 1111 1111 thanks", "b", now=1)) == [
        "my card is [CARD]",
        "[CARD] thanks",
    ]


def test_what_waits_goes_after_a_second_and_a_half() -> None:
    pieces = window()
    pieces.final("there were 12", "a", now=10)

    assert pieces.expired(10 + HOLD_S - 0.01) == []
    assert texts(pieces.expired(10 + HOLD_S)) == ["there were 12"]
    assert pieces.deadline is None


def test_a_card_read_out_in_four_chunks_is_one_card() -> None:
    pieces = window()
    released = []
    for second, part in enumerate(["4111", "1111", "1111", "1111"]):
        released += pieces.final(part, part, now=second)
    released += pieces.expired(3 + HOLD_S)

    assert texts(released) == ["[CARD]"] * 4


@pytest.mark.parametrize("heard", ["okay", "Yes.", "got it", "vale", "sí, sí", "genau", "mhm"])
def test_a_card_is_one_where_the_other_one_acknowledges_its_first_half(heard) -> None:
    pieces = window()
    released = [
        *pieces.final("My card number is 4111 1111", "a", now=0),
        *pieces.final(heard, "b", now=0.5),
        *pieces.final("1111 1111", "c", now=1),
        *pieces.flush(2),
    ]

    assert texts(released) == ["My card number is [CARD]", "[CARD]", "[CARD]"]


def test_a_number_completed_too_late_is_taken_out_of_what_went_before() -> None:
    pieces = window()
    pieces.final("card 4111 1111 11", "a", now=0)
    assert texts(pieces.expired(2)) == ["card 4111 1111 11"]

    released = pieces.final("11 1111 is it", "b", now=5)

    assert [(one.item, one.is_amended, one.redacted.text) for one in released] == [
        ("a", True, "card [CARD]"),
        ("b", False, "[CARD] is it"),
    ]


def test_what_was_said_long_ago_is_forgotten() -> None:
    pieces = window()
    pieces.final("card 4111 1111 11", "a", now=0)
    pieces.expired(2)

    assert texts(pieces.final("11 1111 is it", "b", now=60)) == ["11 1111 is it"]


def test_an_address_in_two_chunks_is_joined() -> None:
    pieces = window()

    assert pieces.final("it is john.doe@", "a", now=0) == []
    assert texts(pieces.final("example.com thanks", "b", now=0.4)) == [
        "it is [EMAIL]",
        "[EMAIL] thanks",
    ]


def test_the_answer_to_the_question_for_the_code_is_one() -> None:
    pieces = window()
    pieces.final("and the security code on the back please", "a", now=0)
    pieces.final("sure it is one two three", "b", now=1)

    assert texts(pieces.flush(1)) == ["sure it is [CVV]"]


def test_the_tail_is_not_lost_at_the_end() -> None:
    pieces = window()
    pieces.final("platform 9", "a", now=0)

    assert texts(pieces.flush(0.1)) == ["platform 9"]


def test_a_growing_line_shows_nothing_of_a_number_that_may_go_on() -> None:
    pieces = window()

    assert pieces.interim("my card is 4111 1111", now=0).text == "my card is …"
    assert pieces.interim("my card is 4111 1111 1111 1111", now=0).text == "my card is [CARD]"
    assert pieces.interim("write to john@exam", now=0).text == "…"
    assert pieces.interim("nothing at stake here", now=0).text == "nothing at stake here"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("yes it is lucy dot", "…"),
        ("yes it is lucy dot harper", "yes …"),
        ("yes it is lucy dot harper at", "yes it …"),
        ("yes it is lucy dot harper at example", "yes it is …"),
        ("yes it is lucy dot ann dot harper underscore two at example", "yes it is …"),
        ("yes it is lucy dot harper at example dot com", "yes it is [EMAIL]"),
        ("yes it is lucy dot harper at example dot com thank you", "yes it is [EMAIL] thank you"),
        ("we got there at ten and nobody was there", "we got there at ten and nobody was there"),
    ],
)
def test_an_address_that_is_being_said_is_not_shown_growing(said, shown) -> None:
    assert window().interim(said, now=0).text == shown


def test_a_line_that_grows_behind_a_held_piece_is_seen_with_it() -> None:
    pieces = window()
    pieces.final("4111 1111 11", "a", now=0)

    assert pieces.interim("11 1111 thanks", now=0.5).text == "[CARD] thanks"


def test_a_redactor_that_fails_withholds_the_text(caplog) -> None:
    """Reliability J4: never pass raw, and say nothing of it in the log."""

    class Broken(Redactor):
        def search(self, text):
            raise RuntimeError(text)

    pieces: RedactionWindow[str] = RedactionWindow(Broken())

    assert texts(pieces.final("my card is 4111", "a", now=0)) == [WITHHELD]
    assert pieces.interim("my card is 4111", now=0).text == WITHHELD
    assert pieces.failures == 2
    assert "4111" not in caplog.text


def test_a_text_longer_than_is_searched_is_withheld() -> None:
    assert texts(window().final("word " * 3000, "a", now=0)) == [WITHHELD]


def test_digits_without_end_are_not_held_without_end() -> None:
    pieces = window()
    released = []
    for second in range(40):
        released += pieces.final("0 0 0 0 0 0", str(second), now=second)

    assert len(released) > 20


def test_a_number_read_out_slowly_is_not_shown_piece_by_piece() -> None:
    """Each piece waits for as long as it may; the last one tells what it was."""
    pieces = window()
    shown: dict[str, str] = {}

    def hear(text: str, name: str, at: float) -> None:
        for one in [*pieces.expired(at), *pieces.final(text, name, now=at)]:
            shown[one.item] = one.redacted.text

    hear("it is four one one one", "a", 0)
    hear("one one one one", "b", 3)
    for one in pieces.expired(5):
        shown[one.item] = one.redacted.text
    assert shown == {"a": "it is [NUMBER]", "b": "[NUMBER]"}

    hear("one one one one", "c", 6)
    hear("one one one one thanks", "d", 9)
    assert shown == {"a": "it is [CARD]", "b": "[CARD]", "c": "[CARD]", "d": "[CARD] thanks"}


def test_an_order_number_in_pieces_that_come_soon_is_left() -> None:
    pieces = window()
    released = [
        *pieces.final("the order is one two three four", "a", now=0),
        *pieces.final("five six seven nine", "b", now=0.5),
        *pieces.final("and it came broken", "c", now=1),
    ]

    assert [one.redacted.text for one in released] == [
        "the order is one two three four",
        "five six seven nine",
        "and it came broken",
    ]


@pytest.mark.parametrize("heard", ["", "okay"])
def test_a_card_read_out_digit_by_digit_is_one_card(heard) -> None:
    """Each digit is released before the next one comes."""
    pieces = window()
    shown: dict[str, str] = {}
    for place, digit in enumerate("4111111111111111"):
        for at, name, text in ((2 * place, f"{place}", digit), (2 * place + 1, "heard", heard)):
            if text:
                for one in [*pieces.expired(at), *pieces.final(text, name, now=at)]:
                    shown[one.item] = one.redacted.text
    for one in pieces.flush(40):
        shown[one.item] = one.redacted.text

    shown.pop("heard", None)
    assert list(shown.values()) == ["[CARD]"] * 16


def test_no_more_is_remembered_than_so_many_chunks_and_characters() -> None:
    pieces = window()
    for place in range(200):
        pieces.final("7", "a", now=2 * place)
        pieces.expired(2 * place + 1.9)
    assert len(pieces._past) == MOST_REMEMBERED

    for place in range(200):
        pieces.final(f"{'word ' * 100} 7", "a", now=400 + 2 * place)
        pieces.expired(401.9 + 2 * place)
    assert len(pieces._past) == REMEMBERED
