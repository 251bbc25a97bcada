"""Payment card numbers: 13 to 19 digits that satisfy Luhn, within runs of any length.

Every window that may be a card counts, and what touches one in the same run goes with it: an
expiry date or a stray digit lost is better than a card number kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from assist.redaction.digits import Run
from assist.redaction.spans import CARD, Span

SHORTEST, LONGEST = 13, 19
_FIRST = "23456"  # what issuers' numbers begin with
ABSORBED = 8  # digits beside a card in its run: expiry and CVV are read out with it


def cards_in(run: Run) -> list[Span]:
    covered = _merged(list(_windows(run)))
    if not covered:
        return []
    count = len(run.digits)
    first, last = covered[0][0], covered[-1][1]
    spans = []
    for index, (start, end) in enumerate(covered):
        if index == 0 and first <= ABSORBED and _is_part(run, first):
            start = 0
        if index == len(covered) - 1 and count - last <= ABSORBED:
            end = count
        elif index + 1 < len(covered) and covered[index + 1][0] - end <= ABSORBED:
            end = covered[index + 1][0]
        spans.append(Span(run.places[start][0], run.places[end - 1][1], CARD))
    return spans


def _is_part(run: Run, first: int) -> bool:
    """Digits before a card are absorbed where no pause parts them from it."""
    return run.breaks.get(first, "") not in (",", ".")


def _windows(run: Run) -> Iterator[tuple[int, int]]:
    digits = run.digits
    count = len(digits)
    if count < SHORTEST:
        return
    even, odd = _luhn_sums(digits)
    for start in range(count - SHORTEST + 1):
        if start and digits[start] not in _FIRST:
            continue
        for end in range(start + SHORTEST, min(start + LONGEST, count) + 1):
            # The last digit of a window is never doubled.
            sums = even if (end - 1) % 2 == 0 else odd
            if (sums[end] - sums[start]) % 10 == 0 and _may_be_card(run, start, end):
                yield start, end


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """Running sums where the digits at odd places are doubled, and where those at even ones are."""
    even, odd = [0], [0]
    for place, character in enumerate(digits):
        value = int(character)
        doubled = value * 2 - 9 if value > 4 else value * 2
        even.append(even[-1] + (value if place % 2 == 0 else doubled))
        odd.append(odd[-1] + (doubled if place % 2 == 0 else value))
    return even, odd


def _may_be_card(run: Run, start: int, end: int) -> bool:
    digits = run.digits[start:end]
    if digits.count(digits[0]) == len(digits):
        return False  # 0000…: a filler, no number
    if start == 0 and run.is_pause(end):
        return True
    is_aligned = run.starts_group(start) and run.ends_group(end)
    return (is_aligned and digits[0] in _FIRST) or _is_issued(digits)


def _is_issued(digits: str) -> bool:
    """An issuer's range with its length (ISO/IEC 7812)."""
    two, four, count = int(digits[:2]), int(digits[:4]), len(digits)
    if digits[0] == "4":
        return count in (13, 16, 19)
    if two in (34, 37):
        return count == 15
    if two in (36, 38, 39) or 300 <= int(digits[:3]) <= 305:
        return count == 14
    if 51 <= two <= 55 or 2200 <= four <= 2720:
        return count == 16
    if 3528 <= four <= 3589 or two in (60, 62, 64, 65, 50, 56, 57, 58, 67):
        return 16 <= count <= 19
    return False


def _merged(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
