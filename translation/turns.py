"""Whose turn it is within a conversation: what comes late from a history goes before what was said
after it, as long as that has not been begun.

A message has its place in the record when it is stored, and keeps it. Where a live message was
stored first because the history took too long, and both still wait, the guest's order decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar


class Waiting(Protocol):
    """`is_begun`: it may have left already, so nothing goes before it any more."""

    @property
    def seq(self) -> int: ...
    @property
    def sent_at(self) -> datetime: ...
    @property
    def backfilled(self) -> bool: ...
    @property
    def is_begun(self) -> bool: ...


Item = TypeVar("Item", bound=Waiting)


def turn_among(waiting: Sequence[Waiting], newcomer: Waiting, *, least: int = 0) -> int:
    """The index at which `newcomer` belongs, `least` or later."""
    at = len(waiting)
    if newcomer.backfilled:
        while at > least and _goes_before(newcomer, waiting[at - 1]):
            at -= 1
    return at


def in_turn(items: Iterable[Item]) -> list[Item]:
    """All of `items`, in the order in which they go out."""
    ordered: list[Item] = []
    for item in sorted(items, key=lambda one: one.seq):
        ordered.insert(turn_among(ordered, item), item)
    return ordered


def _goes_before(newcomer: Waiting, other: Waiting) -> bool:
    return newcomer.sent_at < other.sent_at and not other.is_begun
