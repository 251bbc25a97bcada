"""The pace of calls: spaced while little is allowed, at once when much is."""

from __future__ import annotations

import asyncio

import pytest

from conversations.genesys.pace import Pace
from conversations.net.http import Answer
from tests.conversations.genesys.fakes import FakeTime


def pace_after(remaining: str) -> tuple[Pace, FakeTime]:
    time = FakeTime()
    pace = Pace(sleep=time.sleep, monotonic=time.monotonic)
    pace.answered(Answer(200, {"x-ratelimit-remaining": remaining}, b""))
    return pace, time


@pytest.mark.parametrize(
    ("remaining", "waited"), [("300", 0), ("10", 0), ("5", 1.0), ("0", 2.0), ("-1", 0), ("x", 0)]
)
async def test_calls_are_spaced_before_the_allowance_is_used_up(
    remaining: str, waited: float
) -> None:
    pace, time = pace_after(remaining)

    for _ in range(3):
        await pace.turn()

    assert time.seconds == waited


async def test_a_new_allowance_frees_those_who_wait() -> None:
    pace, time = pace_after("0")
    waiting = [asyncio.create_task(pace.turn()) for _ in range(100)]
    await asyncio.sleep(0)
    pace.answered(Answer(200, {"x-ratelimit-remaining": "300"}, b""))

    await asyncio.gather(*waiting)

    assert time.seconds <= 1
