"""Phone numbers: `phonenumberslite` judges, the words before a number decide what is in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import phonenumbers

from assist.redaction import context
from assist.redaction.digits import Run
from assist.redaction.spans import PHONE, Span, Taken

SHORTEST, LONGEST = 7, 15
_TRIES = 24  # windows of one run that are judged
_SEARCHED = 60  # digits; of a longer run only the parts between pauses are judged
_REGIONS = {
    "en": ("US", "GB"),
    "es": ("ES", "MX", "US"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "it": ("IT",),
    "pt": ("PT", "BR"),
}
# Without its leading 0 a national number of these is any number.
_WITH_TRUNK_ZERO = frozenset({"GB", "DE", "AT", "CH", "FR", "BE"})


def regions_of(language: str) -> tuple[str, ...]:
    """The regions whose national numbers are expected in `language` ("es-MX": Mexico first)."""
    code, _, region = language.partition("-")
    usual = _REGIONS.get(code.lower(), ("US",))
    if len(region) == 2:
        return tuple(dict.fromkeys((region.upper(), *usual)))
    return usual


def phones_in(text: str, run: Run, *, regions: Sequence[str], taken: Taken) -> list[Span]:
    """The numbers of a run that lie where nothing else was found; takes their places."""
    if len(run.digits) < SHORTEST:
        return []
    found: list[Span] = []
    for start, end in islice(_windows(run), _TRIES):
        first, last = run.places[start][0], run.places[end - 1][1]
        if not taken.is_free(first, last):
            continue
        has_plus = run.has_plus and start == 0
        if _is_phone(text, first, last, run.digits[start:end], has_plus=has_plus, regions=regions):
            found.append(Span(first, last, PHONE))
            taken.take(found[-1:])
    return found


def _windows(run: Run) -> Iterator[tuple[int, int]]:
    """The whole run, then its parts between pauses, then what other groups make, longest first."""
    count = len(run.digits)
    whole = (0, count)
    if count <= LONGEST:
        yield whole
    pauses = [0, *(place for place, kind in run.breaks.items() if kind == ","), count]
    parts = [(a, b) for a, b in pairwise(pauses) if _fits(a, b)]
    yield from (part for part in parts if part != whole)
    if (len(pauses) == 2 and count <= LONGEST) or count > _SEARCHED:
        return
    edges = [0, *run.breaks, count]
    windows = [(a, b) for a in edges for b in edges if _fits(a, b)]
    windows.sort(key=lambda one: (one[0] - one[1], one))
    yield from (window for window in windows if window != whole and window not in parts)


def _fits(start: int, end: int) -> bool:
    return SHORTEST <= end - start <= LONGEST


def _is_phone(
    text: str, start: int, end: int, digits: str, *, has_plus: bool, regions: Sequence[str]
) -> bool:
    if has_plus:
        return _is_valid(f"+{digits}", None) or _is_possible(f"+{digits}")
    if digits.startswith("00") and _is_valid(f"+{digits[2:]}", None):
        return True
    meant = context.last_place(text, start, context.PHONE_WORDS)
    other = context.last_place(text, start, context.OTHER_NUMBER_WORDS)
    if other > meant:
        return False
    if meant >= 0:
        return True
    if _is_moment(text[start:end]):
        return False
    return any(
        _is_valid(digits, region)
        for region in regions
        if region not in _WITH_TRUNK_ZERO or digits.startswith("0")
    )


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _is_moment(written: str) -> bool:
    """A date or a time: 15/06/2024, 10:30, 15.06.2024, 2024-06-15."""
    if ":" in written or "/" in written:
        return True
    for mark in ".-":
        parts = written.split(mark)
        if len(parts) == 3 and all(part.strip().isdigit() for part in parts):
            sizes = [len(part.strip()) for part in parts]
            if sizes in ([2, 2, 4], [4, 2, 2], [1, 1, 4], [1, 2, 4], [2, 1, 4], [2, 2, 2]):
                return True
    return False
