"""Death is proved by the kernel; of what it does not know nothing is said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from conversations.processes import dead_among, is_dead, process_name
from tests.processes import ROOT

NAMING = (
    "import sys; from conversations.processes import process_name;"
    "print(process_name(), flush=True); sys.stdin.read()"
)


@pytest.fixture
def another():
    """A process that has said its name and waits."""
    with subprocess.Popen(  # noqa: S603 - a command of ours
        [sys.executable, "-c", NAMING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_process_has_one_name_that_fits_its_column():
    assert process_name() == process_name()
    assert len(process_name()) <= 64


def test_whoever_lives_is_not_dead_though_he_was_stopped(another):
    name = another.stdout.readline().strip()

    assert not is_dead(name)
    assert not is_dead(process_name())

    os.kill(another.pid, signal.SIGSTOP)
    assert not is_dead(name)


def test_a_killed_process_is_dead_before_its_parent_asks_and_after(another):
    name = another.stdout.readline().strip()
    another.kill()
    os.waitid(os.P_PID, another.pid, os.WEXITED | os.WNOWAIT)

    assert is_dead(name)  # a zombie still

    another.wait()
    assert dead_among([name, process_name()]) == [name]


def test_an_id_that_was_given_again_names_another_process():
    born = re.sub(r"\.(\d+)-", ".1-", process_name())

    assert is_dead(born)


def test_a_forked_child_has_a_name_of_its_own():
    own, (reading, writing) = process_name(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, process_name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    name = os.read(reading, 100).decode()

    assert name != own
    assert is_dead(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "dead",
        "host-0000000000-999999999.0-00000000",  # a kernel that tells nothing
        "host-0123456789-999999999.7-00000000",  # another machine, or another container
    ],
)
def test_of_others_nothing_is_known(name):
    assert not is_dead(name)
