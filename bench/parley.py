"""Parley as in production: PostgreSQL, Redis, one gateway, two workers; all for the bench alone."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.contenders import Processes
from tests.servers import postgres, redis

_WORKERS = 2
_QUEUES = "rt,sync,bulk"
_POOL = ["-P", "threads", "-c", "4", "--without-gossip", "--without-mingle"]


class Parley:
    """A context: its servers run inside it, its processes inside `started`."""

    name = "Parley"

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        with ExitStack() as stack:
            self._folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-bench-"))
            self._postgres = stack.enter_context(postgres())
            self._redis = stack.enter_context(redis())
            self._keys = {
                name: secrets.token_urlsafe(48)
                for name in ("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY")
            }
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(  # noqa: S603 - a command of ours
                migrate, check=True, env=self.environment("stub"), stdout=sys.stderr
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def started(self, address: str) -> AbstractContextManager[Processes]:
        gateway = [sys.executable, "manage.py", "run_gateway"]
        commands = [gateway, *self.workers()]
        self._processes = Processes(commands, environment=self.environment(address))
        return self._processes

    @staticmethod
    def workers() -> list[list[str]]:
        """Their commands."""
        celery = [
            sys.executable,
            "-m",
            "celery",
            "-q",
            "-A",
            "config",
            "worker",
            "-Q",
            _QUEUES,
            *_POOL,
        ]
        return [[*celery, "-n", f"w{number}@%h"] for number in range(1, _WORKERS + 1)]

    def pids(self) -> Mapping[str, list[int]]:
        servers = {"postgres": self._postgres, "redis": self._redis}
        found = {name: getattr(server, "pid", None) for name, server in servers.items()}
        known = {name: [pid] for name, pid in found.items() if pid is not None}
        return {"own": self._processes.pids, **known}

    def database_url(self) -> str | None:
        return self._postgres.url

    def environment(self, address: str) -> dict[str, str]:
        """For processes of ours whose platform is at `address`."""
        return {
            **os.environ,
            **self._keys,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self._postgres.url,
            "REDIS_URL": self._redis.url,
            "JOURNAL_ANCHOR_FILE": str(Path(self._folder) / "anchors.jsonl"),
            "JOURNAL_SIGNING_KEY": "0123456789abcdef" * 4,
            "GENESYS_CLIENT_ID": "bench",
            "GENESYS_CLIENT_SECRET": "bench-client-secret",
            "DELIVERIES_PER_MINUTE": "100000",  # nobody writes as fast as a benchmark
            "GENESYS_ENV": "127.0.0.1",  # nothing may reach the real platform
            "GENESYS_API_URL": f"http://{address}",
            "GENESYS_OAUTH_URL": f"http://{address}/oauth/token",
            "GENESYS_MESSAGING_SOCKET_URL": (
                f"ws://{address}/api/v2/conversations/messaging/websocket"
            ),
            "TRANSLATION_PROVIDER": "deepl",
            "TRANSLATION_API_URL": f"http://{address}/v2/translate",
            "TRANSLATION_API_KEY": "bench-translation-key",
            "TARGET_LANGUAGE": "EN-US",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        }
