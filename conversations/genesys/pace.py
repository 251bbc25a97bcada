"""One pace for every call of one client: waits out a 429 together, slows down before the next.

Without it, each of a hundred waiting calls would find out about a 429 by getting its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from conversations.net.http import Answer

LOW_WATER = 10
STEP_S = 0.1  # D: with r calls left of fewer than ten, the next starts (10 - r) tenths later


class Pace:
    def __init__(
        self, *, sleep: Callable[[float], Awaitable[None]], monotonic: Callable[[], float]
    ) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._gate = asyncio.Lock()
        self._free_at = self._throttled_until = 0.0
        self._spacing_s = 0.0

    async def turn(self) -> None:
        """Wait until the next call may start, one after the other.

        The spacing is read when a call passes, not when it queued: a full allowance frees all.
        """
        async with self._gate:
            if wait_s := self._wait_s():
                await self._sleep(wait_s)
            if self._spacing_s:
                self._free_at = max(self._free_at, self._monotonic() + self._spacing_s)

    def turn_at_once(self) -> bool:
        """A turn, if nobody has to wait for one; False: none was taken."""
        return not (self._gate.locked() or self._wait_s() or self._spacing_s)

    def throttled_s(self) -> float:
        """How long nobody may call yet, since a 429 asked for it."""
        return max(0.0, self._throttled_until - self._monotonic())

    def answered(self, answer: Answer) -> None:
        remaining = answer.headers.get("x-ratelimit-remaining", "").strip()
        known = remaining.isascii() and remaining.isdigit() and len(remaining) < 10
        self._spacing_s = max(0, LOW_WATER - int(remaining)) * STEP_S if known else 0.0

    def throttled(self, wait_s: float) -> None:
        self._throttled_until = max(self._throttled_until, self._monotonic() + wait_s)

    def _wait_s(self) -> float:
        return max(0.0, max(self._free_at, self._throttled_until) - self._monotonic())
