"""Keystrokes of one agent in one conversation on one day: how they add up. Pure.

Whoever adds up in several pieces (flushes, processes) gets what one piece would have given: the
pause between two pieces is known from where they end and begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BURST_PAUSE_MS = 3_000  # a longer pause ends a burst, as it ends the typing indicator (protocol §5)
_STEP = timedelta(minutes=1)  # further back than pieces of two processes can be: a clock was set
_KEYSTROKES_A_WORD = 5


@dataclass(frozen=True, slots=True)
class Typed:
    """`active_ms` leaves out the pauses that end a burst, `duration_ms` has them as well."""

    first_at: datetime
    last_at: datetime
    keystrokes: int
    active_ms: int = 0
    duration_ms: int = 0
    bursts: int = 1

    @classmethod
    def reported(cls, count: int, at: datetime) -> Typed:
        """When the first of `count` was, nobody knows: no time is made up for them."""
        return cls(at, at, count)

    def then(self, later: Typed) -> Typed:
        """Both together. A clock that was set back makes no time, and takes none away."""
        pause_ms = (later.first_at - self.last_at) // timedelta(milliseconds=1)
        goes_on = abs(pause_ms) <= BURST_PAUSE_MS
        gained_ms = max(0, pause_ms)
        was_set_back = later.last_at < self.last_at - _STEP
        return Typed(
            first_at=min(self.first_at, later.first_at) if not was_set_back else self.first_at,
            last_at=later.last_at if was_set_back else max(self.last_at, later.last_at),
            keystrokes=self.keystrokes + later.keystrokes,
            active_ms=self.active_ms + later.active_ms + (gained_ms if goes_on else 0),
            duration_ms=self.duration_ms + later.duration_ms + gained_ms,
            bursts=self.bursts + later.bursts - goes_on,
        )


def words_a_minute(keystrokes: int, time_ms: int) -> int:
    """round((keystrokes / 5) / minutes), halves up; no time gives 0 (protocol §5)."""
    if time_ms <= 0:
        return 0
    twice = 2 * keystrokes * 60_000
    return (twice + _KEYSTROKES_A_WORD * time_ms) // (2 * _KEYSTROKES_A_WORD * time_ms)
