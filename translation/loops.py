"""Stops a loop that no echo check can see: another system that translates what we deliver.

Two consoles on one organisation with different languages answer each other for ever, and each
message looks like a guest's (reliability C11). No guest writes dozens of messages a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0


class LoopGuard:
    """Of one conversation: at most `limit` deliveries are started within WINDOW_S."""

    def __init__(self, limit: int, *, monotonic: Callable[[], float]) -> None:
        self._started: deque[float] = deque(maxlen=limit)
        self._limit = limit
        self._monotonic = monotonic

    @property
    def reason(self) -> str:
        return f"more than {self._limit} deliveries in a minute: does another system answer?"

    def take(self) -> bool:
        """Whether one more may start now; what is refused does not count."""
        now = self._monotonic()
        if len(self._started) == self._limit and now - self._started[0] < WINDOW_S:
            return False
        self._started.append(now)
        return True
