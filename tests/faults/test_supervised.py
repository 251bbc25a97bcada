"""Whatever has ended is started again, and an order waits until it is carried out."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.supervised import Keeper, Supervised

PROGRAM = """
import time
from conversations.net.faultpoints import point
while True:
    point("K1")
    time.sleep(0.02)
"""


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    running = Keeper([Supervised("worker-1", [str(program)], {}, tmp_path)])
    running.start()
    yield running
    running.stop()


def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_killed_lives_again(keeper: Keeper):
    process = keeper.processes["worker-1"]
    first = process.pid

    process.signal(signal.SIGKILL)
    until(lambda: process.lives == 2)

    assert process.pid not in (None, first)
    assert process.exits == [-signal.SIGKILL]


def test_a_running_process_dies_at_the_point_that_is_ordered(keeper: Keeper):
    process = keeper.processes["worker-1"]

    process.order("K1:3:kill")
    until(lambda: process.lives == 2)

    assert process.fired == ["K1"]
    assert not process.has_orders


def test_an_order_survives_the_process_that_it_was_given_to(keeper: Keeper):
    process = keeper.processes["worker-1"]

    process.signal(signal.SIGSTOP)
    process.order("K1:1:kill")
    process.signal(signal.SIGKILL)
    until(lambda: process.fired)

    assert process.fired == ["K1"]
    until(lambda: process.lives == 3)


def test_at_the_end_nothing_is_started_again(keeper: Keeper):
    process = keeper.processes["worker-1"]
    until(lambda: process.pid is not None)

    stubborn = keeper.stop()

    assert stubborn == []
    assert process.pid is None
    assert process.lives == 1
