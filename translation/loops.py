"""Stops a loop that no echo check can see: another system that translates what we deliver.

Two consoles on one organisation with different languages answer each other for ever, and each
message looks like a guest's (reliability C11). No guest writes dozens of messages a minute.
"""

from __future__ import annotations

from collections import OrderedDict, deque
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

    @property
    def is_over(self) -> bool:
        """Nothing that it counts is of the last minute."""
        return not self._started or self._monotonic() - self._started[-1] >= WINDOW_S

    def take(self) -> bool:
        """Whether one more may start now; what is refused does not count."""
        now = self._monotonic()
        if len(self._started) == self._limit and now - self._started[0] < WINDOW_S:
            return False
        self._started.append(now)
        return True


class LoopGuards:
    """Those of a worker: they outlive its hold on a conversation, for their minute."""

    def __init__(self) -> None:
        self._guards: OrderedDict[int, LoopGuard] = OrderedDict()  # the one used last is the last

    def of(self, conversation_id: int, limit: int, *, monotonic: Callable[[], float]) -> LoopGuard:
        found = self._guards.pop(conversation_id, None)
        while self._guards and next(iter(self._guards.values())).is_over:
            self._guards.popitem(last=False)
        guard = found or LoopGuard(limit, monotonic=monotonic)
        self._guards[conversation_id] = guard
        return guard
