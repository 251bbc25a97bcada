"""The truth about what happened, in order. Appending is O(1); nothing here scans per request."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """Entries are dictionaries with `seq`, `kind` and `at` (monotonic seconds).

    A POST's entry is completed in place (`applied`, `status`) when its fate is known, so that
    readers see one entry per request. Past `limit` the oldest entries are given up and counted
    in `dropped`: a demo may run for weeks.
    """

    def __init__(self, *, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._entries: list[dict[str, Any]] = []
        self._next = 1
        self.dropped = 0
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, **data: Any) -> dict[str, Any]:
        entry: dict[str, Any] = {"seq": self._next, "kind": kind, "at": self._monotonic(), **data}
        self._next += 1
        self.counts[kind] += 1
        self._entries.append(entry)
        if len(self._entries) > self._limit + self._limit // 10:
            excess = len(self._entries) - self._limit
            del self._entries[:excess]
            self.dropped += excess
        return entry

    def entries(self, *, since: int = 0, kinds: frozenset[str] | None = None) -> list[Entry]:
        """A copy; safe to call from another thread."""
        start = max(0, since - self.dropped)
        chosen = self._entries[start:]
        if kinds is None:
            return chosen
        return [entry for entry in chosen if entry["kind"] in kinds]

    def clear(self) -> None:
        """Forget everything; numbering goes on."""
        self.dropped = self._next - 1
        self._entries = []
        self.counts.clear()
