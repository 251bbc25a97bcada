"""What is measured: something that is started against a stub, and whose processes are known."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

_STOP_WITHIN_S = 20.0
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """So that `kill -9` of the bench leaves nothing running (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Contender(Protocol):
    """`started` runs its processes for one load; `pids` are grouped for the report."""

    name: str

    def started(self, address: str) -> AbstractContextManager[Processes]: ...
    def pids(self) -> Mapping[str, list[int]]: ...
    def database_url(self) -> str | None: ...


class Processes:
    """A context: commands that are started together and stopped together."""

    def __init__(
        self, commands: Sequence[Sequence[str]], *, environment: Mapping[str, str]
    ) -> None:
        self._commands = commands
        self._environment = dict(environment)
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._running]

    def ended(self) -> list[str]:
        """The commands that ended by themselves, with their codes; a bench has no such."""
        pairs = zip(self._commands, self._running, strict=True)
        codes = [(" ".join(command), process.poll()) for command, process in pairs]
        return [f"{command} ended with {code}" for command, code in codes if code is not None]

    def __enter__(self) -> Self:
        for command in self._commands:
            process = subprocess.Popen(  # noqa: S603 - commands of ours
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,  # only warnings; the figures have standard output alone
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
            self._running.append(process)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


class PlainProxy:
    name = "proxy"

    def started(self, address: str) -> AbstractContextManager[Processes]:
        command = [sys.executable, "-m", "bench.proxy", address]
        self._processes = Processes([command], environment=os.environ)
        return self._processes

    def pids(self) -> Mapping[str, list[int]]:
        return {"own": self._processes.pids}

    def database_url(self) -> str | None:
        return None
