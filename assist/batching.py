"""Hands on every 5 chunks or 250 ms, whichever is first, and whatever is left at the end.

TRAP: a buffer that only looks at its size keeps the last words of a call for ever (protocol §4).
"""

from __future__ import annotations

from typing import Generic, TypeVar

SIZE = 5
AGE_S = 0.25

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """Time is passed in (seconds of any clock)."""

    def __init__(self, *, size: int = SIZE, age_s: float = AGE_S) -> None:
        self._size = size
        self._age_s = age_s
        self._items: list[Item] = []
        self._since = 0.0

    @property
    def deadline(self) -> float | None:
        """When what has gathered is due, whatever comes."""
        return self._since + self._age_s if self._items else None

    def add(self, item: Item, *, now: float) -> list[Item]:
        """The whole batch when `item` completes it, else nothing yet."""
        if not self._items:
            self._since = now
        self._items.append(item)
        return self.flush() if len(self._items) >= self._size else []

    def due(self, now: float) -> list[Item]:
        return self.flush() if self.deadline is not None and now >= self.deadline else []

    def flush(self) -> list[Item]:
        items, self._items = self._items, []
        return items
