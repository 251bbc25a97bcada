"""US social security numbers, card verification codes and IPv4 addresses: short runs of digits
that only their grouping or the words around them give away.
"""

from __future__ import annotations

from assist.redaction import context
from assist.redaction.digits import Run
from assist.redaction.spans import CVV, IP, SSN, Span

_CVV_REACH = 50


def ssns_in(text: str, run: Run) -> list[Span]:
    """Nine digits grouped 3-2-4, or nine digits that are said to be one; within longer runs too."""
    count = len(run.digits)
    is_said = count >= 9 and run.is_pause(9)
    if is_said and context.stands_before(text, run.start, context.SSN_WORDS):
        return [Span(run.start, run.places[8][1], SSN)]
    found: list[Span] = []
    start = 0
    while start + 9 <= count:
        if _is_grouped(run, start):
            found.append(Span(run.places[start][0], run.places[start + 8][1], SSN))
            start += 9
        else:
            start += 1
    return found


def _is_grouped(run: Run, start: int) -> bool:
    if not (run.starts_group(start) and run.ends_group(start + 9)):
        return False
    if any((start + place in run.breaks) != (place in (3, 5)) for place in range(1, 9)):
        return False
    return run.digits[start : start + 3] != "000" and run.digits[start + 5 : start + 9] != "0000"


def cvvs_in(text: str, run: Run) -> list[Span]:
    """Three or four digits beside the words for such a code, with nothing or a pause behind them
    (before them, where the words follow).
    """
    count = len(run.digits)
    for size in (count, 3, 4):
        if size not in (3, 4) or size > count:
            continue
        if run.is_pause(size) and context.stands_before(
            text, run.start, context.CVV_WORDS, reach=_CVV_REACH
        ):
            return [Span(run.start, run.places[size - 1][1], CVV)]
        if run.is_pause(count - size) and context.stands_after(text, run.end, context.CVV_WORDS):
            return [Span(run.places[count - size][0], run.end, CVV)]
    return []


def ipv4_in(text: str, run: Run) -> list[Span]:
    """Four numbers up to 255 with dots between them, written or said."""
    parts: list[tuple[int, int]] = []
    start = 0
    for index in range(1, len(run.digits) + 1):
        kind = run.breaks.get(index, "" if index < len(run.digits) else ",")
        if kind in (".", ","):
            parts.append((start, index))
            start = index
    found: list[Span] = []
    first = 0
    while first + 4 <= len(parts):
        four = parts[first : first + 4]
        if all(run.breaks.get(a) == "." for a, _ in four[1:]) and all(
            end - begin <= 3 and int(run.digits[begin:end]) <= 255 for begin, end in four
        ):
            place = run.places[four[0][0]][0]
            if not context.stands_before(text, place, context.VERSION_WORDS, reach=20):
                found.append(Span(place, run.places[four[3][1] - 1][1], IP))
            first += 4
        else:
            first += 1
    return found
