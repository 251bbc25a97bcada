"""When attributes are written again that could not be: they never cost a message its turn.

A conversation's next try waits longer after each failure. A missing scope (403) stops that kind
of call for all conversations of this worker; one of them tries it again every few minutes.
"""

from __future__ import annotations

import random as randomness
from collections import OrderedDict
from collections.abc import Callable

PROBE_S = 300.0
FIRST_S = 5.0
LONGEST_S = 300.0
MOST_KNOWN = 10_000


class AttributePauses:
    """Of one worker; moments are monotonic seconds."""

    def __init__(self, *, random: Callable[[], float] = randomness.random) -> None:
        self._random = random
        self._refused_until: float | None = None
        self._failures: OrderedDict[int, int] = OrderedDict()  # in a row, by conversation

    def wait_s(self, *, now: float) -> float:
        """0: write them now. Who is told so after a refusal is the probe for all."""
        if self._refused_until is None:
            return 0.0
        if now >= self._refused_until:
            self._refused_until = now + PROBE_S
            return 0.0
        return self._after_the_probe(now=now)

    def refused(self, *, now: float) -> float:
        """The scope is missing; after how long this conversation's are due again."""
        self._refused_until = now + PROBE_S
        return self._after_the_probe(now=now)

    def failed(self, conversation_id: int) -> float:
        """After how long they are due again."""
        failures = self._failures.pop(conversation_id, 0) + 1
        self._failures[conversation_id] = failures
        if len(self._failures) > MOST_KNOWN:
            self._failures.popitem(last=False)
        return min(FIRST_S * 2.0 ** min(failures - 1, 10), LONGEST_S)

    def written(self, conversation_id: int) -> None:
        self._refused_until = None
        self._failures.pop(conversation_id, None)

    def _after_the_probe(self, *, now: float) -> float:
        """Spread, so that they do not all come at once."""
        left_s = (self._refused_until or now) - now
        return left_s + self._random() * PROBE_S
