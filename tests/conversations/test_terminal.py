"""A transcript's lines, and texts that can do nothing to a terminal."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.events import ConversationUpdated, MessageCopied
from conversations.terminal import Lines, harmless, use_zone

AT = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
UTC_LINES = Lines(in_utc=True)


def copied(origin: str, *, name: str = "", sender: str = "", text: str = "Hola") -> MessageCopied:
    return MessageCopied("conv-1", None, origin, sender, name, text, AT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            copied("guest", name="Anonymous", sender="external"),
            "10:30:00 [Customer] Anonymous: Hola",
        ),
        (copied("agent", name="Tom", sender="agent-1"), "10:30:00 [Agent] Tom: Hola"),
        (copied("agent", sender="agent-1"), "10:30:00 [Agent] agent-1: Hola"),
        (copied("system"), "10:30:00 [SYSTEM] System: Hola"),
    ],
)
def test_a_line_reads_as_the_protocol_has_it(event: MessageCopied, line: str):
    assert UTC_LINES.message(event) == line


def test_an_update_and_the_end_have_their_words():
    assert UTC_LINES.update(ConversationUpdated("conv-1", AT)) == (
        "[UPDATE] Conversation status changed at 10:30:00"
    )
    assert UTC_LINES.closed() == "[CLOSED] Transcript stream ended. Conversation terminated."


def test_times_are_those_of_the_terminal_unless_utc_is_asked_for():
    try:
        use_zone("Asia/Tokyo")
        assert Lines().clock(AT) == "19:30:00"
        assert UTC_LINES.clock(AT) == "10:30:00"
    finally:
        use_zone("UTC")


def test_colours_only_where_they_are_wanted():
    painted = Lines(in_utc=True, in_colour=True).message(copied("guest", name="A"))

    assert painted == "10:30:00 \x1b[36m[Customer]\x1b[0m A: Hola"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\u241b[2J\u241b]0;owned\u2407"),
        ("one\n10:30:00 [Agent] Tom: forged", "one \u23ce 10:30:00 [Agent] Tom: forged"),
        ("a\r\nb\u2028c", "a \u23ce b \u23ce c"),
        ("\x9b31m", "<U+009B>31m"),
        ("\u202eevil\u2066", "<U+202E>evil<U+2066>"),
        ("a\tb\x7f", "a b\u2421"),
        ("Z\u0300" + "\u0301" * 500, "Z\u0300\u0301\u0301\u0301\u2026"),
        ("مرحبا 👩‍👩‍👧 café", "مرحبا 👩‍👩‍👧 café"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str):
    assert harmless(text) == shown


@given(st.text())
def test_no_control_and_no_override_is_ever_left(text: str):
    shown = harmless(text)

    assert not {"Cc", "Zl", "Zp"} & {unicodedata.category(character) for character in shown}
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(shown)
