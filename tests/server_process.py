"""One server for tests and benches: a real process in a temporary folder on a spare port.

Knows nothing of PostgreSQL or Redis. A server dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 15.0
PR_SET_PDEATHSIG = 1


class ServerUnavailable(RuntimeError):
    """A server that the tests need cannot be had; the text is one line for a person."""


# Below what this machine gives to connections by itself, and above what browsers refuse to open.
# Each process has a stretch of its own, so that two of them never choose the same one.
_ports = itertools.count(os.getpid() * 211)
FIRST_PORT, PORTS = 12_000, 20_000


def spare_port() -> int:
    """A port that nobody listens at, nor takes before it is used."""
    for _ in range(PORTS):
        port = FIRST_PORT + next(_ports) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerUnavailable("no port is free")


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom a server runs as when we are root (PostgreSQL refuses root); None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerUnavailable("PostgreSQL does not run as root and there is no user nobody")


def is_reachable(path: Path) -> bool:
    """Whether any user may walk down to the path."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents) if part.is_dir())


def temporary_folder(prefix: str, owner: pwd.struct_passwd | None) -> Path:
    roots = [tempfile.gettempdir(), "/tmp", "/var/tmp"]  # noqa: S108 - where to look, not a name
    usable = (r for r in roots if owner is None or is_reachable(Path(r)))
    root = next(usable, None)
    if root is None:
        raise ServerUnavailable("no temporary folder that an unprivileged user may enter")
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _end_with_parent() -> None:
    """So that `kill -9` of a test run leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class ServerProcess:
    """Started, stopped, killed and started again at the same port, with its data kept."""

    name = "server"

    def __init__(self) -> None:
        self.owner = unprivileged_user()
        self.folder = temporary_folder(f"parley-{self.name}-", self.owner)
        self.port = spare_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def run(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        owner = self.owner
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - commands of ours
                [str(part) for part in command],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Own session: Ctrl-C goes to the tests first, which then stop the server.
                start_new_session=True,
                preexec_fn=_end_with_parent,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )

    def start_process(self, command: Sequence[str | Path], *, ready: Callable[[], bool]) -> None:
        self._process = self.run(command)
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerUnavailable(f"{self.name} ended at once: {self.last_words()}")
            if ready():
                return
            time.sleep(0.02)
        raise ServerUnavailable(f"{self.name} was not ready in {READY_WITHIN_S:.0f} s")

    def send_signal(self, number: int) -> None:
        """For fault tests: SIGSTOP and SIGCONT as well."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def stop_process(self, number: int = signal.SIGTERM) -> None:
        if self._process is None:
            return
        self.send_signal(number)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_WITHIN_S)
        self._process = None

    def kill(self) -> None:
        self.stop_process(signal.SIGKILL)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self) -> str:
        lines = (
            self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        )
        return lines[-1] if lines else "it said nothing"
