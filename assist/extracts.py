"""Texts that a person is to see although nobody could read them as what they ought to be.

Named in the settings (EXTRACT_REDACTION) for the dead letters of the other streams, whose bodies
are kept as they came.
"""

from __future__ import annotations

import re

from assist.conf import redactor
from assist.redaction.redactor import WITHHELD
from assist.redaction.spans import Span, replaced, without_overlaps

_PART, _OVERLAP = 4_096, 256  # characters searched at once, and those searched twice
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " "}
_HIDDEN = re.compile(r"\\u[0-9A-Fa-f]|\\x[0-9A-Fa-f]|&#|%[0-9A-Fa-f]{2}%")


def redacted_extract(text: str) -> str:
    """`text` as it is where it holds nothing personal, else with its escapes undone and that taken
    out; withheld if the search fails (J4)."""
    plain = _ESCAPE.sub(_unescaped, text)
    if _HIDDEN.search(plain):
        return WITHHELD
    try:
        spans = _spans(plain)
        return replaced(plain, spans) if spans else text
    except Exception:  # noqa: BLE001 - fail closed, whatever went wrong
        return WITHHELD


def _spans(text: str) -> list[Span]:
    search = redactor()
    found = []
    for start in range(0, max(1, len(text)), _PART - _OVERLAP):
        for span in search.find(text[start : start + _PART]):
            found.append(Span(span.start + start, span.end + start, span.kind))
    return without_overlaps(found)


def _unescaped(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    if code is None:
        return _LETTERS.get(letter, letter)
    character = chr(int(code, 16))
    return "\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character
