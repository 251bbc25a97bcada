"""Delays between attempts to connect. When they start afresh is decided in genesys/session.py."""

from __future__ import annotations

import random as randomness
from collections.abc import Callable, Iterator


def delays(
    *,
    base_s: float = 1.0,
    cap_s: float = 30.0,
    jitter_s: float = 1.0,
    random: Callable[[], float] = randomness.random,
) -> Iterator[float]:
    """`min(base * 2^n, cap)` plus up to `jitter_s`, for ever (protocol §1, D)."""
    step = base_s
    while True:
        yield min(step, cap_s) + random() * jitter_s
        step = min(step * 2, cap_s)  # never grows past the cap: 2^n overflows after some weeks
