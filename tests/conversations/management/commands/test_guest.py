"""`manage.py guest` as a real process: lines in, lines out, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.processes import ROOT, Processes

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def guest(processes: Processes, *options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - a command of ours
        [sys.executable, "manage.py", "guest", "--utc", *options],
        cwd=ROOT,
        env=processes._whole(None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def test_lines_of_a_pipe_are_said_and_the_process_ends_with_them(processes, simulator_thread):
    with guest(processes, "--name", "Ana", "--email", "ana@example.org") as running:
        out, err = running.communicate("Hola\nAdiós\n", timeout=30)

    assert running.returncode == 0, err
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [
        "[Customer] Ana: Hola",
        "[Customer] Ana: Adiós",
    ]
    assert "Traceback" not in err


def test_ctrl_c_ends_it_quietly(processes, simulator_thread):
    with guest(processes) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "Connected as Anonymous.\n"

        running.send_signal(signal.SIGINT)

        assert running.wait(20) == 130
        assert running.stderr.read() == ""


def test_a_reader_that_goes_away_ends_it(processes, simulator_thread):
    with guest(processes) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        assert running.stderr is not None
        assert running.stderr.readline() == "Connected as Anonymous.\n"
        running.stdout.close()
        running.stdin.write("Hola\n")
        running.stdin.flush()

        assert running.wait(20) == 141
        assert "Traceback" not in running.stderr.read()


def test_a_guest_without_a_valid_address_has_code_2():
    with pytest.raises(CommandError, match=r"--email: a valid e-mail") as refused:
        call_command("guest", "--email", "nonsense")

    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    "arguments", [["--metadata", "[]"], ["--metadata", "{"], ["--wait", "-1"], ["--wait", "x"]]
)
def test_bad_usage_is_refused_before_anybody_connects(arguments: list[Any]):
    with pytest.raises(CommandError):
        call_command("guest", *arguments)
