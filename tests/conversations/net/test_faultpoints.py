"""Points do nothing unless armed; armed, they fire once, at the pass that was asked for."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import timeit
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.net import faultpoints
from conversations.net.faultpoints import FaultRaised, arm, point


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    faultpoints.disarm()


def test_a_point_that_nobody_armed_does_nothing_and_costs_next_to_nothing():
    passing = min(timeit.repeat(lambda: point("K1"), number=10_000, repeat=10))

    assert passing / 10_000 < 2e-6


def test_it_fires_at_the_nth_pass_and_never_again():
    arm("K1:3:raise")

    point("K1")
    point("K1")
    with pytest.raises(FaultRaised):
        point("K1")
    point("K1")


def test_other_points_are_left_alone():
    arm("K1:1:raise,K2:1:enospc")

    point("K3")
    with pytest.raises(OSError, match="No space") as caught:
        point("K2")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("points", ["K1", "K1:0:kill", "K1:x:kill", "K1:1:explode"])
def test_what_cannot_be_meant_is_refused(points: str):
    with pytest.raises(ValueError, match=r"."):
        arm(points)


def test_a_kill_leaves_a_note_behind(tmp_path: Path):
    log = tmp_path / "fired"
    program = (
        "from pathlib import Path; from conversations.net import faultpoints as f; "
        f"f.arm('K7:2:kill', log=Path({str(log)!r})); f.point('K7'); f.point('K7'); print('alive')"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)  # noqa: S603

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == b""
    assert log.read_text().startswith("K7 kill ")


def test_a_stop_waits_for_somebody_to_go_on():
    program = (
        "from conversations.net import faultpoints as f; "
        "f.arm('K6:1:stop'); f.point('K6'); print('went on')"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: S603

    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)

    assert process.communicate(timeout=60)[0] == b"went on\n"
