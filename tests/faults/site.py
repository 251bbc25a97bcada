"""Everything that is not ours, for one run: PostgreSQL or SQLite, Redis, the simulated platform,
and a chaos proxy in front of each. Our processes only ever see the proxies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.faults.proxies import Proxies
from tests.faults.supervised import end_with_parent
from tests.flows.platform import Platform
from tests.postgres_server import PostgresServer
from tests.processes import ROOT, is_listening
from tests.redis_server import RedisServer
from tests.server_process import spare_port
from tests.servers import TEST_ENVIRONMENT
from tests.simulators import simulator_environment

LISTENS_WITHIN_S = 30.0


class Site:
    """`with Site() as site:`; `environment` is for our processes, `direct` for the harness."""

    def __init__(self, *, database: str = "postgresql") -> None:
        self._is_sqlite = database == "sqlite"
        self._stack = contextlib.ExitStack()
        self.port = spare_port()  # of the simulator
        self.web_port = spare_port()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-faults-"))
            self.folder = Path(folder)
            self.postgres = None if self._is_sqlite else PostgresServer()
            self.redis = RedisServer()
            for server in filter(None, (self.postgres, self.redis)):
                stack.callback(server.remove)
                stack.callback(server.stop)
                server.start()
            self.simulator = self._start_simulator()
            stack.callback(self.simulator.wait)
            stack.callback(self.simulator.kill)
            targets = {"redis": self.redis.port, "platform": self.port, "provider": self.port}
            if self.postgres is not None:
                targets["postgres"] = self.postgres.port
            self.proxies = stack.enter_context(Proxies(targets))
            self.platform = Platform(f"http://127.0.0.1:{self.port}")
            self._starter = stack.enter_context(ThreadPoolExecutor(1))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def direct(self) -> dict[str, str]:
        """The settings of the harness itself: past the proxies."""
        return {**self.environment, "DATABASE_URL": self._database_url(proxied=False)}

    @property
    def environment(self) -> dict[str, str]:
        platform = f"http://127.0.0.1:{self.proxies.port('platform')}"
        provider = f"http://127.0.0.1:{self.proxies.port('provider')}"
        return {
            **TEST_ENVIRONMENT,
            **simulator_environment(platform),
            "TRANSLATION_API_URL": f"{provider}/v2/translate",
            "GENESYS_CLIENT_ID": "demo-client",
            "GENESYS_CLIENT_SECRET": "demo-secret",
            "DATABASE_URL": self._database_url(proxied=True),
            "REDIS_URL": f"redis://127.0.0.1:{self.proxies.port('redis')}/0",
            "ALLOWED_ORIGINS": self.origin,
            "SESSION_IDLE_MIN": "600",  # nobody touches the recorded pages, for hours in a soak
            "JOURNAL_ANCHOR_FILE": str(self.folder / "anchors.jsonl"),
        }

    def restart_postgres(self, *, away_s: float) -> None:
        """kill -9 of the whole server, as a power cut, and recovery."""
        assert self.postgres is not None
        self._restart(self.postgres, away_s)

    def restart_redis(self, *, away_s: float) -> None:
        self._restart(self.redis, away_s)

    def _restart(self, server: PostgresServer | RedisServer, away_s: float) -> None:
        """In a thread that lives on: a server ends with the thread that started it."""
        server.kill()
        time.sleep(away_s)
        self._starter.submit(server.start).result()

    def flush_redis(self) -> int:
        """How many keys there were."""
        import redis

        with contextlib.closing(redis.Redis(port=self.redis.port)) as client:
            keys = int(client.dbsize())  # type: ignore[arg-type]
            client.flushall()
        return keys

    def _start_simulator(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "simulate", "--port", str(self.port)]
        process = subprocess.Popen(  # noqa: S603 - a command of ours
            [*command, "--scenario", "none", "--provider-ms", "30"],
            cwd=ROOT,
            env={**os.environ, **TEST_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "simulator.log").open("wb"),
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        deadline = time.monotonic() + LISTENS_WITHIN_S
        while not is_listening(self.port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the simulator did not start")
            time.sleep(0.05)
        return process

    def _database_url(self, *, proxied: bool) -> str:
        if self.postgres is None:
            return f"sqlite:///{self.folder / 'parley.sqlite3'}"
        parts = urlsplit(self.postgres.url)
        port = self.proxies.port("postgres") if proxied else self.postgres.port
        user = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
