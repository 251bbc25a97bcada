"""Real processes of ours for flow tests: gateway, worker, web, and any other manage.py command.

They get the test database, Redis and the simulator by their environment alone, as an operator
would give them. Output goes to a file each; a failed start shows its tail.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.server_process import spare_port
from tests.servers import TEST_ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 30.0
STOP_WITHIN_S = 20.0
COMMAND_WITHIN_S = 60.0
TAIL_LINES = 40


@dataclass(slots=True)
class RunningProcess:
    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self) -> str:
        return "\n".join(self.output().splitlines()[-TAIL_LINES:])

    def send_signal(self, number: int) -> None:
        """To the whole process group: SIGSTOP, SIGCONT, SIGKILL reach children too."""
        if self.is_running:
            os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.popen.wait(STOP_WITHIN_S)

    def stop(self) -> int:
        """SIGTERM to the process itself, as a supervisor would; kill after a while."""
        if self.is_running:
            self.popen.terminate()
        try:
            return self.popen.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM:\n{self.tail()}") from None


class Processes:
    """Starts processes with one environment and stops all of them at the end."""

    def __init__(
        self,
        *,
        folder: Path,
        environment: Mapping[str, str],
        inherited: Mapping[str, str] = os.environ,
        root: Path = ROOT,
    ) -> None:
        self.folder = folder
        self.root = root
        self.environment = dict(environment)
        self.inherited = inherited
        self.running: list[RunningProcess] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> RunningProcess:
        """Blocks until `ready()`; async tests call it by `asyncio.to_thread`."""
        log = self.folder / f"{name}-{len(self.running)}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(  # noqa: S603 - commands of the tests
                [sys.executable, *command],
                cwd=self.root,
                env=self._whole(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = RunningProcess(name=name, log=log, popen=popen)
        self.running.append(process)
        if ready is not None:
            self.wait_until(ready, what=f"{name} is ready", of=process)
        return process

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        within_s: float = COMMAND_WITHIN_S,
    ) -> subprocess.CompletedProcess[str]:
        """A command of manage.py, to its end."""
        return self.run_python("manage.py", *command, environment=environment, within_s=within_s)

    def run_python(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        within_s: float = COMMAND_WITHIN_S,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - commands of the tests
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._whole(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def _whole(self, environment: Mapping[str, str] | None) -> dict[str, str]:
        return {**self.inherited, **self.environment, **(environment or {})}

    def start_gateway(self, *, ready: Callable[[], bool] | None = None) -> RunningProcess:
        return self.start("gateway", ["manage.py", "run_gateway"], ready=ready)

    def start_worker(
        self,
        *,
        queues: str = "rt,sync,bulk",
        pool: str = "threads",
        ready: Callable[[], bool] | None = None,
    ) -> RunningProcess:
        options = ["-Q", queues, "-P", pool, "-c", "4", "--without-gossip", "--without-mingle"]
        command = ["-m", "celery", "-A", "config", "worker", *options]
        return self.start("worker", command, ready=ready)

    def start_web(self, *, port: int | None = None) -> tuple[RunningProcess, str]:
        """Daphne, and the address it answers at."""
        port = port or spare_port()
        # The limit of the image: it holds for what is sent to browsers, too.
        limits = ["--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536"]
        where = ["-b", "127.0.0.1", "-p", str(port)]
        command = ["-m", "daphne", *where, *limits, "config.asgi:application"]
        process = self.start("web", command, ready=lambda: is_listening(port))
        return process, f"http://127.0.0.1:{port}"

    def wait_until(
        self,
        condition: Callable[[], bool],
        *,
        what: str,
        within_s: float = READY_WITHIN_S,
        of: RunningProcess | None = None,
    ) -> None:
        """Polls; fails with the tails of all logs, at once when `of` has ended."""
        deadline = time.monotonic() + within_s
        while not condition():
            if of is not None and not of.is_running:
                raise AssertionError(f"{of.name} ended before {what}:\n{of.tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {within_s:.0f} s: {what}\n{self.tails()}")
            time.sleep(0.05)

    def tails(self) -> str:
        return "\n".join(f"--- {process.name}\n{process.tail()}" for process in self.running)

    def stop_all(self) -> None:
        """All get their SIGTERM first, so that stopping takes as long as the slowest."""
        for process in self.running:
            if process.is_running:
                process.popen.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for process in self.running:
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def bare_environment() -> dict[str, str]:
    """What a machine has before anything is configured: none of our settings."""
    servers = ("DATABASE_URL", "REDIS_URL", "JOURNAL_ANCHOR_FILE", "EXPORT_FOLDER")
    ours = {*TEST_ENVIRONMENT, *servers}
    return {name: value for name, value in os.environ.items() if name not in ours}


def database_url_of(name: str) -> str:
    """DATABASE_URL with the name of the test database (a path on SQLite)."""
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
