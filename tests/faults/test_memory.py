"""A process that grows is found; one that is large and stays so is not."""

from __future__ import annotations

import pytest

from tests.faults.memory import EVERY_S, Memory


def sampled(sizes: list[float]) -> Memory:
    memory = Memory()
    memory.samples = [(number * EVERY_S, {"worker-1": mb}) for number, mb in enumerate(sizes)]
    return memory


def test_growth_is_measured_from_the_moment_that_was_asked_for():
    memory = sampled([10, 20, 50, 100, 100, 100, 150, 200, 200, 200])

    assert memory.growth(after_s=30) == {
        "worker-1": {"after_mb": 100, "at_end_mb": 200, "ratio": 2.0}
    }


def test_a_run_that_was_too_short_says_nothing():
    with pytest.raises(ValueError, match="too short"):
        sampled([10, 20, 30]).growth(after_s=300)
