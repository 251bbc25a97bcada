"""What people see of frames that could not be read: whole where harmless, else redacted."""

from __future__ import annotations

import pytest

from assist.extracts import redacted_extract
from assist.redaction.redactor import WITHHELD
from conversations.models.dead_letter import readable


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ('{"text":"caf\\u00e9 \\"now\\""', '{"text":"caf\\u00e9 \\"now\\""'),
        ('{"text":"4111 1111 1111 1111"', '{"text":"[CARD]"'),
        ('{"text":"\\u0034111-1111-1111-1111"', '{"text":"[CARD]"'),
        ('{"text":"4111\\n1111\\t1111 1111"', '{"text":"[CARD]"'),
        ('{"text":"\\\\u0034111 1111"', WITHHELD),
        ("4111&#32;1111", WITHHELD),
        ("\\ud800", "\\ud800"),
    ],
)
def test_an_extract_holds_nothing_personal(kept, shown) -> None:
    assert redacted_extract(kept) == shown


def test_a_number_across_two_parts_of_a_long_text_is_found() -> None:
    text = "word " * 815 + "4111 1111 1111 1111" + " word" * 2000

    assert "[CARD]" in redacted_extract(text)
    assert "1111" not in redacted_extract(text)


def test_a_page_shows_a_kept_body_redacted() -> None:
    assert readable(b'{"text": "mail john.doe@example.com"') == '{"text": "mail [EMAIL]"'
