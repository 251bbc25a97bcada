"""Runs of digits, however they are written or said, each digit with its place in the text.

One pass over the text. ASCII, full-width, Arabic and other decimal digits, circled ones, keycaps,
and number words all count; spaces, dashes, line breaks, fillers and what the other one says to
acknowledge them do not end a run.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from assist.redaction.number_words import (
    ACKNOWLEDGEMENTS,
    ACKNOWLEDGEMENTS_IN_TWO,
    BEHIND_A_DIGIT,
    DOTS,
    FILLERS,
    HUNDRED,
    JOINTS,
    PLUS,
    REPEATS,
    WORDS,
    NumberWord,
    bare,
)

# A digit of any script, a word of letters, or one other character.
_TOKEN = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_|\s+|\w")
# Between digits: punctuation, white space and what cannot be seen (keycaps, joiners, soft hyphens).
_SEPARATORS = frozenset(
    " \t\r\n\v\f\u00a0\u2000\u2002\u2003\u2009\u200a\u202f\u3000-\u2010\u2011\u2012\u2013\u2014"
    "\u2212\uff0d.,\u00b7\u2022\u30fb_/\\|:;()[]*#'\"\u200b\u200c\u200d\u2060\ufeff\ufe0f\u20e3\u00ad"
    "\uff0e\uff0c\u2026?!"
)
_ATTACHED = frozenset("\ufe0f\u20e3")  # a keycap: part of its digit
_HARD = frozenset(",;\n?!")
_BETWEEN = FILLERS | DOTS | ACKNOWLEDGEMENTS
_MARKS_AT_MOST = 6  # characters of punctuation between two digits
FILLERS_AT_MOST = 6  # words


@dataclass(slots=True)
class Run:
    """`places[i]` is where digit i stands; `breaks` says what lies before a digit, where anything.

    A break is "-" (some separator), "." (a dot), "," (a pause: a comma, a line's end, a filler,
    an acknowledgement).
    """

    digits: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    breaks: dict[int, str] = field(default_factory=dict)
    has_plus: bool = False
    is_open: bool = False  # the text ended in it: it may go on in the next one

    @property
    def start(self) -> int:
        return self.places[0][0]

    @property
    def end(self) -> int:
        return self.places[-1][1]

    def starts_group(self, index: int) -> bool:
        return index == 0 or index in self.breaks

    def ends_group(self, index: int) -> bool:
        """Whether a group ends before digit `index`."""
        return index == len(self.digits) or index in self.breaks

    def is_pause(self, index: int) -> bool:
        """Whether digit `index` comes after a pause; so it is before the first and the last."""
        return index in (0, len(self.digits)) or self.breaks.get(index) == ","


def runs_of(text: str) -> list[Run]:
    return _Reader(text).read()


def digit_of(character: str) -> str | None:
    """0 to 9 for a digit of any script, also circled or raised."""
    if character in "0123456789":
        return character
    if character.isascii():
        return None
    value = unicodedata.digit(character, None)
    return None if value is None else str(value)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._gap = ""  # the strongest break since the last digit
        self._marks = self._fillers = 0
        self._repeat = 0
        self._repeat_start = 0
        self._plus_at: int | None = None
        self._word: NumberWord | None = None  # the last one, while its zeros may be filled
        self._fills = 0
        self._joint = False
        self._begun = ""  # the first word of an acknowledgement in two

    def read(self) -> list[Run]:
        for match in _TOKEN.finditer(self._text):
            symbol, start, end = match.group(), match.start(), match.end()
            first = symbol[0]
            if self._begun and not (first.isalpha() or first.isspace()):
                self._finish()
            if first.isalpha():
                self._take_word(symbol, start, end)
            elif digit_of(first) is not None:
                self._take_digits(symbol, start)
            else:
                self._take_marks(symbol, start)
        if self._run is not None:
            self._run.is_open = True
        self._finish()
        return self._runs

    def _take_digits(self, symbol: str, start: int) -> None:
        """One digit, or several circled ones, which count as letters to the tokeniser."""
        self._word, self._repeat = None, 0
        for place, character in enumerate(symbol, start):
            digit = digit_of(character)
            if digit is None:
                self._finish()
            else:
                self._add(digit, place, place + 1)

    def _take_word(self, symbol: str, start: int, end: int) -> None:
        word = bare(symbol)
        begun, self._begun = self._begun, ""
        if begun and word in ACKNOWLEDGEMENTS_IN_TWO[begun]:
            self._take_filler(word)
            return
        if begun:
            self._finish()
        number = WORDS.get(word)
        if number is not None:
            self._take_number(number, start, end)
        elif word in BEHIND_A_DIGIT and self._run is not None:
            self._add(BEHIND_A_DIGIT[word], start, end)
            self._word = None
        elif word in HUNDRED and self._run is not None and self._run.digits:
            self._add("00", start, end)
            self._word, self._fills = NumberWord("00", 2), 2
        elif word in REPEATS:
            self._repeat, self._repeat_start = REPEATS[word], start
        elif word in PLUS:
            self._take_plus(start)
        elif self._run is not None and word in ACKNOWLEDGEMENTS_IN_TWO:
            self._begun = word
        elif self._run is not None and word in _BETWEEN:
            self._take_filler(word)
        else:
            self._finish()

    def _take_filler(self, word: str) -> None:
        self._fillers += 1
        self._joint = word in JOINTS
        if word in DOTS:
            self._gap = "."
        elif word in FILLERS:
            self._gap = self._gap or ","
        else:
            self._gap, self._word = ",", None  # "forty, okay, one" is not 41
        if self._fillers > FILLERS_AT_MOST:
            self._finish()

    def _take_number(self, number: NumberWord, start: int, end: int) -> None:
        if self._repeat:
            self._add(number.digits * self._repeat, self._repeat_start, end)
            self._repeat, self._word = 0, None
            return
        if self._filled(number, start, end):
            return
        self._add(number.digits, start, end)
        self._word, self._fills = number, number.fills

    def _filled(self, number: NumberWord, start: int, end: int) -> bool:
        """Put "one" into the zero of "forty"."""
        run, count = self._run, len(number.digits)
        if run is None or self._word is None or count > self._fills or number.digits == "0":
            return False
        if self._word.needs_joint and self._fills == 1 and not self._joint:
            return False
        run.digits = run.digits[:-count] + number.digits
        first = run.places[-count][0] if count == 1 else start
        for index in range(len(run.digits) - count, len(run.digits)):
            run.places[index] = (first, end)
        self._reset_gap()
        self._fills = number.fills
        self._word = number if number.fills else None
        return True

    def _take_marks(self, symbol: str, start: int) -> None:
        if symbol in "+\uff0b":
            self._take_plus(start)
            return
        if self._run is None:
            self._plus_at = None if symbol.strip(" (") else self._plus_at
            return
        if symbol in _ATTACHED:
            first, _ = self._run.places[-1]
            self._run.places[-1] = (first, start + 1)
            return
        self._marks += len(symbol.strip())
        if any(mark not in _SEPARATORS for mark in symbol) or self._marks > _MARKS_AT_MOST:
            self._finish()
            return
        if self._word is not None and symbol.strip(" -"):
            self._word = None  # "forty, one" is not 41
        if self._gap == "," or any(mark in _HARD for mark in symbol):
            self._gap = ","
        elif symbol in ".\uff0e":
            self._gap = "."
        else:
            self._gap = self._gap or "-"

    def _take_plus(self, start: int) -> None:
        self._finish()
        self._plus_at = start

    def _add(self, digits: str, start: int, end: int) -> None:
        if self._run is None:
            self._run = Run(has_plus=self._plus_at is not None)
            if self._plus_at is not None:
                start = self._plus_at
        elif self._gap:
            self._run.breaks[len(self._run.digits)] = self._gap
        self._run.digits += digits
        self._run.places += [(start, end)] * len(digits)
        self._plus_at = None
        self._reset_gap()

    def _reset_gap(self) -> None:
        self._gap, self._marks, self._fillers, self._joint = "", 0, 0, False

    def _finish(self) -> None:
        if self._run is not None:
            self._runs.append(self._run)
        self._run, self._word, self._plus_at, self._repeat = None, None, None, 0
        self._begun = ""
        self._reset_gap()
