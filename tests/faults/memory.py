"""Resident memory of our processes over a run: does any of them grow for ever?"""

from __future__ import annotations

import time
from collections.abc import Mapping

from bench.cost import rss_mb
from tests.faults.supervised import Keeper

EVERY_S = 10.0
LATELY = 3  # samples that are averaged at either end


class Memory:
    """Samples by process, in MB, with the seconds since the first."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, dict[str, float]]] = []
        self._began = 0.0

    def look(self, keeper: Keeper) -> None:
        """Every EVERY_S; called as often as one likes."""
        now = time.monotonic()
        self._began = self._began or now
        if self.samples and now - self._began - self.samples[-1][0] < EVERY_S:
            return
        sizes = {
            name: rss_mb([process.pid])
            for name, process in keeper.processes.items()
            if process.pid is not None
        }
        self.samples.append((now - self._began, sizes))

    def growth(self, *, after_s: float) -> dict[str, dict[str, float]]:
        """By process: MB `after_s` after the beginning, MB at the end, and how often the one is
        the other."""
        early = [sizes for at, sizes in self.samples if at >= after_s][:LATELY]
        late = [sizes for _, sizes in self.samples][-LATELY:]
        if len(self.samples) < LATELY * 2 or not early:
            raise ValueError("the run was too short to say anything about memory")
        first, last = _mean(early), _mean(late)
        return {
            name: {
                "after_mb": round(first[name], 1),
                "at_end_mb": round(last[name], 1),
                "ratio": round(last[name] / first[name], 3),
            }
            for name in first
            if name in last
        }


def _mean(samples: list[dict[str, float]]) -> Mapping[str, float]:
    names = set.intersection(*(set(sizes) for sizes in samples))
    return {name: sum(sizes[name] for sizes in samples) / len(samples) for name in sorted(names)}
