"""Delays between attempts to connect. When they start afresh is decided in genesys/session.py."""

from __future__ import annotations

import random as randomness
from collections.abc import Callable, Iterator


def delays(
    *,
    base_s: float = 1.0,
    cap_s: float = 30.0,
    jitter_s: float = 1.0,
    capped_jitter: bool = False,
    random: Callable[[], float] = randomness.random,
) -> Iterator[float]:
    """`min(base * 2^n, cap)` plus up to `jitter_s`, for ever (protocol §1, D).

    With `capped_jitter` the cap holds for the sum: `min(base * 2^n + jitter, cap)` (protocol §3).
    """
    step = base_s
    most = cap_s if capped_jitter else cap_s + jitter_s
    while True:
        yield min(min(step, cap_s) + random() * jitter_s, most)
        step = min(step * 2, cap_s)  # never grows past the cap: 2^n overflows after some weeks
