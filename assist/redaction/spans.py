"""What a detector finds: a place in a text and the kind of what stands there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CARD = "CARD"
IBAN = "IBAN"
EMAIL = "EMAIL"
PHONE = "PHONE"
SSN = "SSN"
IP = "IP"
CVV = "CVV"
NUMBER = "NUMBER"  # long, said in pieces, and not known yet for what it is
KINDS = (CARD, IBAN, EMAIL, PHONE, SSN, IP, CVV)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """`kind` is one of KINDS or the name of an operator's own pattern."""

    start: int
    end: int
    kind: str

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


class Taken:
    """The places of a text that some detector has claimed: asked in linear time."""

    def __init__(self, length: int) -> None:
        self._marks = bytearray(length)

    def is_free(self, start: int, end: int) -> bool:
        return self._marks.find(1, start, end) < 0

    def take(self, spans: Iterable[Span]) -> None:
        for span in spans:
            self._marks[span.start : span.end] = b"\1" * (span.end - span.start)


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """In order of place; where two overlap they become one, of the kind that was found first."""
    ranked = list(spans)
    rank = {span: place for place, span in reversed(list(enumerate(ranked)))}
    merged: list[Span] = []
    for span in sorted(ranked):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind = last.kind if rank.get(last, 0) <= rank[span] else span.kind
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
            rank[merged[-1]] = min(rank.get(last, 0), rank[span])
        else:
            merged.append(span)
    return merged


def replaced(text: str, spans: Sequence[Span]) -> str:
    """`text` with each of its (ordered, disjoint) spans replaced by `[KIND]`."""
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += [text[end : span.start], f"[{span.kind}]"]
        end = span.end
    parts.append(text[end:])
    return "".join(parts)
