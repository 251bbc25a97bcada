"""Unicode's composed form (NFC) of texts that strangers write. Pure.

Putting marks into their order takes the square of how many follow each other: half a minute for a
letter with 100,000 accents, in which a process does nothing else. No language has more than a few;
UAX #15 calls a text with more than 30 in a row not stream-safe.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MARKS_IN_A_ROW = 30
_LAST = 0x1F000  # no mark is behind it but a selector, which has no order


def nfc(text: str) -> str:
    """A text with more than 30 marks in a row is left as it is."""
    if text.isascii() or _storm().search(text):
        return text
    return unicodedata.normalize("NFC", text)


def without_storms(text: str) -> str:
    """For people to read: of more than 30 marks in a row the first 30, and how many there were."""
    if text.isascii():
        return text
    return _storm().sub(lambda run: f"{run[1]} [{len(run[2])} marks more]", text)


@lru_cache(maxsize=1)
def _storm() -> re.Pattern[str]:
    marks = "".join(re.escape(chr(code)) for code in range(0x300, _LAST) if _is_mark(chr(code)))
    return re.compile(f"([{marks}]{{{MARKS_IN_A_ROW}}})([{marks}]+)")


def _is_mark(character: str) -> bool:
    """It is put into order among its neighbours, or what it is made of is."""
    return unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0
