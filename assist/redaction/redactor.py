"""All detectors over one text, in the order in which they may claim a place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assist.redaction.cards import cards_in
from assist.redaction.custom import CustomPattern, spans_of
from assist.redaction.digits import Run, runs_of
from assist.redaction.emails import emails_in, has_sign, ipv6_in, may_have_address
from assist.redaction.ibans import ibans_in, may_begin_iban
from assist.redaction.identities import cvvs_in, ipv4_in, ssns_in
from assist.redaction.number_words import SPOKEN, bare
from assist.redaction.phones import phones_in, regions_of
from assist.redaction.spans import Span, Taken, replaced, without_overlaps

LONGEST_TEXT = 8_192  # characters; a longer one is withheld rather than searched
_WORD = re.compile(r"[^\W\d_]+")
# Decimal digits of any script, and those that are letters or symbols (raised, circled).
_DIGIT = re.compile(r"[\d²³¹⁰⁴-⁹₀-₉①-⑳⓪❶-➓]")
_FEWEST = 3  # digits that may be something by themselves
WITHHELD = "[redaction unavailable]"
WITHHELD_KIND = "WITHHELD"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be stored and shown, and how many of each kind were taken out of it.

    `spans`: where those stood in what was said.
    """

    text: str
    kinds: tuple[tuple[str, int], ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def is_withheld(self) -> bool:
        return self.kinds == ((WITHHELD_KIND, 1),)


WITHHELD_TEXT = Redacted(WITHHELD, ((WITHHELD_KIND, 1),))


class TooLong(ValueError):
    """More text than is searched at once."""


@dataclass(frozen=True, slots=True)
class Search:
    """`spans`: ordered, disjoint. `open_from`: where a number begins that the text ends in, of
    `open_digits` so far.

    `is_telling`: what it holds may be something else together with the words before.
    """

    spans: list[Span]
    open_from: int | None = None
    open_digits: int = 0
    is_telling: bool = False


class Redactor:
    def __init__(self, *, language: str = "en-US", patterns: Sequence[CustomPattern] = ()) -> None:
        self._regions = regions_of(language)
        self._patterns = tuple(patterns)

    def find(self, text: str) -> list[Span]:
        return self.search(text).spans

    def search(self, text: str) -> Search:
        """Where personal data stands. Raises TooLong."""
        if len(text) > LONGEST_TEXT:
            raise TooLong(f"{len(text)} characters")
        words = set(map(bare, _WORD.findall(text)))
        found = spans_of(self._patterns, text) if self._patterns else []
        if may_have_address(text, words):
            found += emails_in(text)
        has_address = bool(found) or has_sign(text)
        found += ipv6_in(text)
        has_words = not words.isdisjoint(SPOKEN)
        if not has_words and not _DIGIT.search(text):
            return Search(without_overlaps(found), is_telling=has_address)
        runs = runs_of(text)
        if not runs:
            return Search(without_overlaps(found), is_telling=has_address)
        if any(len(run.digits) >= _FEWEST for run in runs):
            found += self._in_runs(text, runs, found, has_words=has_words)
        return Search(
            without_overlaps(found),
            open_from=runs[-1].start if runs[-1].is_open else None,
            open_digits=len(runs[-1].digits) if runs[-1].is_open else 0,
            is_telling=has_address or any(len(run.digits) >= _FEWEST for run in runs),
        )

    def _in_runs(
        self, text: str, runs: list[Run], earlier: list[Span], *, has_words: bool
    ) -> list[Span]:
        taken = Taken(len(text))
        taken.take(earlier)
        may_have_iban = has_words or may_begin_iban(text)
        enough = sum(len(run.digits) for run in runs) >= 8
        found = ibans_in(text) if enough and may_have_iban else []
        found = [span for span in found if taken.is_free(span.start, span.end)]
        taken.take(found)
        # Cards of all runs first: a phone number never claims a part of one.
        for detector in (_cards, ipv4_in, ssns_in, cvvs_in):
            for run in runs:
                free = [one for one in detector(text, run) if taken.is_free(one.start, one.end)]
                taken.take(free)
                found += free
        for run in runs:
            found += phones_in(text, run, regions=self._regions, taken=taken)
        return found


def _cards(_text: str, run: Run) -> list[Span]:
    return cards_in(run)


def redacted(text: str, spans: Sequence[Span]) -> Redacted:
    counts = Counter(span.kind for span in spans)
    return Redacted(replaced(text, spans), tuple(sorted(counts.items())), tuple(spans))
