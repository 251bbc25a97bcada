"""Embedded mode from outside: one command in a home of its own, and what stands in its database."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.flows.platform import Platform
from tests.processes import (
    STOP_WITHIN_S,
    Processes,
    RunningProcess,
    bare_environment,
    is_listening,
)
from tests.server_process import spare_port


class Embedded:
    """`manage.py run_embedded` on a machine where nothing is configured."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.port, self.simulator_port = spare_port(), spare_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.platform = Platform(f"http://127.0.0.1:{self.simulator_port}")
        self.processes = Processes(
            folder=folder,
            environment={"PARLEY_HOME": str(self.home)},
            inherited=bare_environment(),
        )

    def begin(self, *, scenario: str = "demo", speed: float = 1.0) -> RunningProcess:
        """Without waiting for anything."""
        ports = ["--port", str(self.port), "--simulator-port", str(self.simulator_port)]
        played = ["--scenario", scenario, "--speed", str(speed)]
        return self.processes.start("embedded", ["manage.py", "run_embedded", *ports, *played])

    def start(self, *, scenario: str = "demo", speed: float = 1.0) -> RunningProcess:
        running = self.begin(scenario=scenario, speed=speed)
        for is_ready, what in (
            (self.answers, "the pages answer"),
            (self.platform.is_watched, "the gateway holds the socket"),
        ):
            self.processes.wait_until(is_ready, what=what, of=running)
        return running

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def is_simulated(self) -> bool:
        return is_listening(self.simulator_port)

    def query(self, sql: str) -> list[Any]:
        """Read only, beside the running processes."""
        uri = f"file:{self.home / 'parley.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def kept(self, name: str) -> str:
        """A value that was made at the first start."""
        lines = (self.home / "embedded.env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)[name]


def interrupt(running: RunningProcess) -> int:
    """Ctrl-C: a terminal sends it to the whole process group. Returns the exit code."""
    running.send_signal(signal.SIGINT)
    return running.popen.wait(STOP_WITHIN_S)


def has_processes(running: RunningProcess) -> bool:
    """Whether anything of its process group is left."""
    try:
        os.killpg(running.popen.pid, 0)
    except ProcessLookupError:
        return False
    return True
