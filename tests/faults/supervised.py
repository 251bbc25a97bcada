"""Our processes under a supervisor that starts again, within a second, whatever has ended.

Each runs through `tests.faults.armed`; `order` arms a fault point in it while it runs, and an
order that has not fired survives a restart.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import ROOT

LOOK_S = 0.1
STOP_WITHIN_S = 30.0
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """So that `kill -9` of the harness leaves nothing running (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(slots=True)
class Supervised:
    """One process, over all its lives."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    popen: subprocess.Popen[bytes] | None = None
    lives: int = 0
    exits: list[int] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)  # points, by name
    is_wanted: bool = False

    @property
    def orders(self) -> Path:
        return self.folder / f"{self.name}.orders"

    @property
    def noted(self) -> Path:
        return self.folder / f"{self.name}.fired"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        return self.popen.pid if self.popen is not None and self.popen.poll() is None else None

    def start(self) -> None:
        self.is_wanted = True
        faults = {"FAULT_ORDERS": str(self.orders), "FAULT_LOG": str(self.noted)}
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(  # noqa: S603 - commands of ours
                [sys.executable, "-m", "tests.faults.armed", *self.command],
                cwd=ROOT,
                env={**os.environ, **self.environment, **faults},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self.lives += 1

    def signal(self, number: int) -> bool:
        """To the process and its children; whether there was one."""
        if self.pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
            return True
        return False

    def terminate(self) -> bool:
        """SIGTERM to the process alone, as an init system sends it; whether there was one."""
        if self.popen is None or self.pid is None:
            return False
        self.popen.terminate()
        return True

    def order(self, point: str) -> None:
        """Arm `NAME:NTH:ACTION` in it, from its next pass on."""
        self.orders.write_text(point, encoding="utf-8")

    @property
    def has_orders(self) -> bool:
        return self.orders.exists() and bool(self.orders.read_text(encoding="utf-8"))

    def look(self) -> None:
        """Note what fired; start again what has ended."""
        self._read_notes()
        if self.popen is None or self.popen.poll() is None or not self.is_wanted:
            return
        self.exits.append(self.popen.returncode)
        self.start()

    def _read_notes(self) -> None:
        if not self.noted.exists():
            return
        lines = self.noted.read_text(encoding="utf-8").splitlines()
        if len(lines) > len(self.fired):
            self.fired = [line.split()[0] for line in lines]
            self.orders.write_text("", encoding="utf-8")


class Keeper:
    """A thread that looks after all of them. It starts them: they end when it ends."""

    def __init__(self, processes: Sequence[Supervised]) -> None:
        self.processes = {process.name: process for process in processes}
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def stop(self) -> list[str]:
        """SIGTERM to all; names of those that had to be killed."""
        self._stopping.set()
        for process in self.processes.values():
            process.is_wanted = False
            process.signal(signal.SIGCONT)
            if process.pid is not None and process.popen is not None:
                process.popen.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        stubborn = []
        for name, process in self.processes.items():
            if process.popen is None:
                continue
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                stubborn.append(name)
                process.signal(signal.SIGKILL)
                process.popen.wait()
        self._thread.join(10)
        return stubborn

    def _run(self) -> None:
        for process in self.processes.values():
            process.start()
        self._started.set()
        while not self._stopping.wait(LOOK_S) or self._any_runs():
            if not self._stopping.is_set():
                for process in self.processes.values():
                    process.look()

    def _any_runs(self) -> bool:
        time.sleep(LOOK_S)
        return any(process.pid is not None for process in self.processes.values())
