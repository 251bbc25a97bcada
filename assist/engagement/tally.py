"""What this process was told since the last flush. Any thread may add; nothing here waits."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

from assist.engagement.typed import BURST_PAUSE_MS, Typed

LIMIT = 10_000  # conversations with an agent who types: hours without a database need no more
Pair = tuple[int, str]  # conversation key, agent id
Key = tuple[int, str, date]  # the same, on a day (UTC)


class Tally:
    """Bounded by pairs and not by keystrokes: those of a known pair are only added."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._typed: dict[Key, Typed] = {}
        self._last: dict[Pair, float] = {}  # monotonic seconds of the last report
        self.dropped = 0  # keystrokes of pairs beyond the limit

    def add(self, pair: Pair, count: int, at: datetime, *, now: float) -> bool:
        """False: there is no room for another pair, and these are not counted."""
        moment = at.astimezone(UTC)
        key = (*pair, moment.date())
        reported = Typed.reported(count, moment)
        with self._lock:
            known = self._typed.get(key)
            if known is None and len(self._typed) >= self._limit:
                self.dropped += count
                return False
            self._typed[key] = known.then(reported) if known else reported
            self._last[pair] = now
        return True

    def take(self) -> dict[Key, Typed]:
        with self._lock:
            taken, self._typed = self._typed, {}
        return taken

    def ended(self, *, now: float) -> list[Pair]:
        """Pairs whose burst is over and stored, each once."""
        with self._lock:
            waiting = {key[:2] for key in self._typed}
            ended = [
                pair
                for pair, last in self._last.items()
                if (now - last) * 1000 > BURST_PAUSE_MS and pair not in waiting
            ]
            for pair in ended:
                del self._last[pair]
        return ended

    def __bool__(self) -> bool:
        """Whether anything is to be stored or said."""
        return bool(self._typed or self._last)
