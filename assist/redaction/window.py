"""Redaction over what is said in pieces: a number may begin in one chunk and end in the next.

A chunk that ends in digits is held, at most `HOLD_S` after the last of them came, and searched
together with what follows. What was handed out is remembered for a while (in memory alone), so
that a number completed later is still recognised and the earlier chunk amended.
TRAP: searched one by one, "4111 1111" and "1111 1111" are both harmless.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Generic, TypeVar

from assist.redaction.emails import has_open_address, is_joint, may_become_address
from assist.redaction.redactor import (
    WITHHELD_TEXT,
    Redacted,
    Redactor,
    Search,
    redacted,
)
from assist.redaction.spans import IBAN, NUMBER, Span, without_overlaps

logger = logging.getLogger(__name__)

HOLD_S = 1.5
TAIL = 60  # characters: as far as the words before a number are looked at
REMEMBERED_S = 10.0  # and a number that goes on as long as its pieces come no further apart
REMEMBERED = 4  # chunks at least, of any length; more of them
MOST_REMEMBERED = 64  # up to so many chunks, and
REMEMBERED_CHARACTERS = 2_000
MOST_HELD = 8  # chunks, and
MOST_HELD_CHARACTERS = 400
LONG = 8  # digits: so many over several chunks may be a card that is read out slowly
ELLIPSIS = "…"

Item = TypeVar("Item")


@dataclass(slots=True)
class _Piece(Generic[Item]):
    """`tail`: from where on a piece that has gone is still looked at."""

    text: str
    item: Item
    at: float
    spans: list[Span] = field(default_factory=list)
    is_withheld: bool = False
    is_open: bool = False  # it ends in what may go on
    tail: int = 0

    def redacted(self) -> Redacted:
        return WITHHELD_TEXT if self.is_withheld else redacted(self.text, self.spans)


@dataclass(frozen=True, slots=True)
class Released(Generic[Item]):
    """A chunk that may go on. `is_amended`: it went before, and more had to be taken out of it."""

    item: Item
    redacted: Redacted
    is_amended: bool = False


class RedactionWindow(Generic[Item]):
    """One speaker channel. Time is passed in (seconds of any clock)."""

    def __init__(self, redactor: Redactor, *, hold_s: float = HOLD_S) -> None:
        self._redactor = redactor
        self._hold_s = hold_s
        self._held: list[_Piece[Item]] = []
        self._past: deque[_Piece[Item]] = deque()
        self.failures = 0

    @property
    def deadline(self) -> float | None:
        """When what is held must go, whatever comes."""
        return self._held[-1].at + self._hold_s if self._held else None

    def final(self, text: str, item: Item, *, now: float) -> list[Released[Item]]:
        """Take in a chunk; returns, in order, those that can go on."""
        released = self.expired(now)
        self._forget(now)
        self._held.append(_Piece(text, item, now))
        amended, open_from = self._search()
        keep = self._first_to_keep(open_from)
        return [*released, *amended, *self._release(keep, now)]

    def interim(self, text: str, *, now: float) -> Redacted:
        """What may be shown of a line that still grows: nothing of a number that may go on."""
        self._forget(now)
        joined, offset = _joined([*self._context(), *self._held], text)
        try:
            search = self._redactor.search(joined)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever went wrong (J4)
            self._failed(error)
            return WITHHELD_TEXT
        end = len(text)
        if search.open_from is not None:
            end = max(0, search.open_from - offset)
        spans = _within(search.spans, offset, len(text))
        known = max((span.end for span in spans), default=0)
        if search.open_from is None and may_become_address(text[known:]):
            end = _address_start(text)
        shown = [span for span in spans if span.end <= end]
        rest = [f"[{span.kind}]" for span in spans if span.end > end]
        if end < len(text) and not rest:
            rest = [ELLIPSIS]
        first_cut = min([end, *(span.start for span in spans if span.end > end)])
        part = redacted(text[:first_cut], shown)
        return Redacted(part.text + " ".join(rest), part.kinds, part.spans)

    def expired(self, now: float) -> list[Released[Item]]:
        """What has been held for long enough."""
        if self.deadline is None or now < self.deadline:
            return []
        return self.flush(now)

    def flush(self, now: float) -> list[Released[Item]]:
        """Everything that is held: the tail of a closing stream is never lost."""
        return self._release(len(self._held), now)

    def _search(self) -> tuple[list[Released[Item]], int | None]:
        """Find over past and held together; returns amendments, and where an open run begins.

        That place is counted in the held texts joined; None: the last chunk may go.
        """
        newest = self._held[-1]
        try:
            search = self._redactor.search(newest.text)
            pieces = [newest]
            if self._is_joined(newest, search):
                pieces = [*self._context(), *self._held]
            joined, offset = _joined(pieces[:-1], newest.text)
            if offset:
                search = self._redactor.search(joined)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever went wrong (J4)
            self._failed(error)
            newest.is_withheld = True
            return [], None
        newest.is_open = search.open_from is not None or has_open_address(newest.text)
        spans = search.spans
        if search.open_from is not None and search.open_from < offset:
            spans = _with_long_number(search, len(joined))
        amended = self._lay_out(pieces, spans)
        held_from = offset - sum(len(piece.text) + 1 for piece in self._held[:-1])
        if has_open_address(newest.text) and not any(s.end == len(joined) for s in search.spans):
            return amended, offset - held_from
        if search.open_from is None or self._is_settled(search, len(joined)):
            return amended, None
        return amended, max(0, search.open_from - held_from)

    def _context(self) -> list[_Piece[Item]]:
        """What went before, as far as words are looked at or a number may reach back."""
        found: list[_Piece[Item]] = []
        length = 0
        for piece in reversed(self._past):
            if length >= TAIL and not piece.is_open:
                break
            found.append(piece)
            length += len(piece.text) - piece.tail
        return found[::-1]

    def _is_joined(self, newest: _Piece[Item], search: Search) -> bool:
        """Whether what was said before can make something else of `newest`, or it of that."""
        if len(self._held) > 1 or search.is_telling:
            return True
        return bool(self._past) and self._past[-1].is_open

    def _is_settled(self, search: Search, end: int) -> bool:
        """A whole IBAN needs nothing more (a card may be longer); nothing is held without end."""
        begin = search.open_from or 0
        is_known = any(
            span.kind == IBAN and span.start <= begin and span.end >= end - 3
            for span in search.spans
        )
        return is_known or end - begin > MOST_HELD_CHARACTERS or len(self._held) > MOST_HELD

    def _lay_out(self, pieces: Iterable[_Piece[Item]], spans: list[Span]) -> list[Released[Item]]:
        """Give each piece its part of the spans; what is new in a past one is an amendment."""
        amended = []
        offset = 0
        past = set(map(id, self._past))
        for piece in pieces:
            length = len(piece.text) - piece.tail
            mine = [
                Span(span.start + piece.tail, span.end + piece.tail, span.kind)
                for span in _within(spans, offset, length)
            ]
            offset += length + 1
            if id(piece) not in past:
                piece.spans = mine
            elif not piece.is_withheld and _covers_more(mine, piece.spans):
                known = [span for span in piece.spans if not _is_told_by(span, mine)]
                piece.spans = without_overlaps([*known, *mine])
                amended.append(Released(piece.item, piece.redacted(), is_amended=True))
        return amended

    def _first_to_keep(self, open_from: int | None) -> int:
        """The index of the first held chunk that the open run touches."""
        if open_from is None:
            return len(self._held)
        end = 0
        for index, piece in enumerate(self._held):
            end += len(piece.text) + 1
            if open_from < end:
                return index
        return len(self._held) - 1

    def _release(self, count: int, now: float) -> list[Released[Item]]:
        going, self._held = self._held[:count], self._held[count:]
        for piece in going:
            piece.at = now
            piece.tail = _tail_of(piece)
            self._past.append(piece)
        while self._is_too_much():
            self._past.popleft()
        return [Released(piece.item, piece.redacted()) for piece in going]

    def _is_too_much(self) -> bool:
        count = len(self._past)
        length = sum(len(piece.text) for piece in self._past)
        return count > MOST_REMEMBERED or (count > REMEMBERED and length > REMEMBERED_CHARACTERS)

    def _forget(self, now: float) -> None:
        """What is old, but for the pieces of a number that still goes on."""
        following = self._held[0].at if self._held else now
        if self._past and following - self._past[-1].at > REMEMBERED_S:
            self._past.clear()
        going_on = len(list(takewhile(lambda piece: piece.is_open, reversed(self._past))))
        while len(self._past) > going_on and now - self._past[0].at > REMEMBERED_S:
            self._past.popleft()

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        # The type alone: an exception's text may quote what was said.
        logger.error("redaction failed (%s): the text is withheld", type(error).__name__)


def _joined(pieces: Iterable[_Piece[Item]], text: str) -> tuple[str, int]:
    before = " ".join(piece.text[piece.tail :] for piece in pieces)
    return (f"{before} {text}", len(before) + 1) if before else (text, 0)


def _tail_of(piece: _Piece[Item]) -> int:
    """From a word's beginning on, so that no number is cut; what was found stays whole."""
    place = max(0, len(piece.text) - TAIL)
    for span in piece.spans:
        if span.start < place < span.end:
            return span.start
    space = piece.text.rfind(" ", 0, place + 1)
    return space + 1 if place and place - space < TAIL else place


def _within(spans: Iterable[Span], offset: int, length: int) -> list[Span]:
    """The parts of `spans` that lie in the piece at `offset`, counted from its beginning."""
    found = []
    for span in spans:
        start, end = max(0, span.start - offset), min(length, span.end - offset)
        if start < end:
            found.append(Span(start, end, span.kind))
    return found


def _with_long_number(search: Search, end: int) -> list[Span]:
    """Of a number that goes on over chunks nothing more is shown while it is not known what it is:
    its pieces may come too slowly to be held until it is."""
    number = Span(search.open_from or 0, end, NUMBER)
    if search.open_digits < LONG or any(span.overlaps(number) for span in search.spans):
        return search.spans
    return [*search.spans, number]


def _covers_more(spans: list[Span], known: list[Span]) -> bool:
    """Whether something else is to be taken out, or it is known now what the number is."""
    return any(
        not any(old.start <= span.start and span.end <= old.end for old in known) for span in spans
    ) or any(_is_told_by(old, spans) for old in known)


def _is_told_by(old: Span, spans: list[Span]) -> bool:
    return old.kind == NUMBER and any(
        span.kind != NUMBER and span.start <= old.start and old.end <= span.end for span in spans
    )


def _address_start(text: str) -> int:
    """Before the words that an unfinished address may begin with: five at least."""
    words = text.rstrip().split()
    first = max(0, len(words) - 5)
    while first > 0 and (is_joint(words[first]) or is_joint(words[first - 1])):
        first -= 1
    if first == 0:
        return 0
    return len(text.rstrip().rsplit(None, len(words) - first)[0]) + 1
