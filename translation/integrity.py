"""What must come through a translation unharmed: addresses, e-mails, numbers. Pure."""

from __future__ import annotations

import re
from collections import Counter

_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'）】]+[^\s<>\"'.,;:!?)\]）】。、]", re.IGNORECASE
)
# It begins where none of its signs stands before: tried at each of a long word, it takes minutes.
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\d(?:[\d.,:/\u00a0\u202f'’-]*\d)?")


def missing_in(translation: str, original: str) -> list[str]:
    """What `original` has of these and `translation` has not as often, as it was written.

    A number counts by its digits: how they are grouped belongs to the language.
    """
    found = Counter(key for key, _ in _kept(translation))
    lost = []
    for key, written in _kept(original):
        if found[key]:
            found[key] -= 1
        else:
            lost.append(written)
    return lost


def _kept(text: str) -> list[tuple[str, str]]:
    kept = []
    for pattern in (_ADDRESS, _MAIL):
        kept += [(one.casefold(), one) for one in pattern.findall(text)]
        text = pattern.sub(" ", text)
    for number in _NUMBER.findall(text):
        digits = "".join(str(int(one)) for one in number if one.isdigit())
        if len(digits) > 1:  # "one" may well be a word over there
            kept.append((digits, number))
    return kept
