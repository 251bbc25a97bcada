"""A text that is too long for one message, in parts that follow one another (reliability C16)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"[.!?…。！？؟۔।][\"'»”’)\]]*(?=\s)|[。！？]|\n")
_SPACE = re.compile(r"\s+")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")  # zero width joiner, the two kinds of an emoji
_SKIN_TONES = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, slots=True)
class Part:
    """`text` is what is sent of the whole; the next part, if there is one, begins at `end`."""

    text: str
    start: int
    end: int
    is_last: bool


def part_at(whole: str, *, start: int = 0, most: int = 0) -> Part:
    """The part of `whole` that begins at `start`: at most `most` characters, all if that is 0.

    Cut behind a sentence where the second half has an end of one, else behind a word, else between
    two characters as a reader sees them. White space at a cut is left out: it is where the parts
    meet. The same whole, start and most give the same part.
    """
    if most <= 0 or len(whole) - start <= most:
        rest = whole[start:]
        return Part(rest.strip() if start else rest, start, len(whole), is_last=True)
    begin = start + len(whole[start:]) - len(whole[start:].lstrip())
    end = begin + _cut(whole[begin : begin + most + 1], most)
    return Part(whole[begin:end].rstrip(), start, end, is_last=not whole[end:].strip())


def _cut(window: str, most: int) -> int:
    """Where the first `most` of `window` are best cut; `window` shows one character more."""
    if len(window) <= most:
        return len(window)
    ends = [found.end() for found in _SENTENCE_END.finditer(window)]
    ends = [end for end in ends if most // 2 <= end <= most]
    ends = ends or [found.start() for found in _SPACE.finditer(window) if found.start()]
    if ends:
        return ends[-1]
    cut = most
    while cut > 1 and _belongs_to_the_one_before(window, cut):
        cut -= 1
    return cut if cut > 1 else most


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    mark = text[place]
    return bool(
        unicodedata.combining(mark)
        or unicodedata.category(mark) in {"Mn", "Me", "Mc"}
        or mark in _JOINERS
        or text[place - 1] == "\u200d"
        or ord(mark) in _SKIN_TONES
    )
