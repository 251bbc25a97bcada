"""The servers that tests and benches need, and the pytest plugin that starts them.

A plugin (`-p tests.servers`) and not a conftest: pytest-django reads the settings, and with them
DATABASE_URL, before any conftest is loaded. What cannot be had ends the run; nothing is skipped.
`python -m tests.servers COMMAND…` runs a command beside both servers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.server_process import ServerUnavailable

# Values of the tests alone; each is as long as the settings ask for.
TEST_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DEBUG": "false",
    "HTTPS": "false",
    "SECRET_KEY": "test-secret-key-of-enough-length-and-variety-0123456789",
    "FIELD_KEY": "test-field-key-of-enough-length-0123456789",
    "JOURNAL_KEY": "test-journal-key-of-enough-length-0123456789",
    "JOURNAL_SIGNING_KEY": "0123456789abcdef" * 4,
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "GENESYS_CLIENT_ID": "test-client",
    "GENESYS_CLIENT_SECRET": "test-client-secret",
    "TRANSLATION_API_KEY": "test-translation-key",
    "DELIVERIES_PER_MINUTE": "100000",  # guests of tests write faster than anybody can
}

Server = TypeVar("Server", PostgresServer, RedisServer)


@dataclass(frozen=True, slots=True)
class GivenServer:
    """A server somebody else runs: its address, and nothing to start or stop."""

    url: str


def is_one_of_several() -> bool:
    """Whether tests run in several processes (pytest-xdist), and this is one of them."""
    return "PYTEST_XDIST_WORKER" in os.environ


@contextlib.contextmanager
def postgres() -> Iterator[PostgresServer | GivenServer]:
    """DATABASE_URL when set, else a server of our own."""
    given = os.environ.get("DATABASE_URL")
    if given:
        if not given.startswith(("postgres://", "postgresql://")):
            raise ServerUnavailable("DATABASE_URL names no PostgreSQL: unset it or change it")
        yield GivenServer(given)
        return
    with _running(PostgresServer()) as server:
        yield server


@contextlib.contextmanager
def redis() -> Iterator[RedisServer | GivenServer]:
    """REDIS_URL when set, else a server of our own; beside others, each its own: tests flush it."""
    given = os.environ.get("REDIS_URL")
    if given and not is_one_of_several():
        yield GivenServer(given)
        return
    with _running(RedisServer()) as server:
        yield server


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.remove()


@contextlib.contextmanager
def environment() -> Iterator[None]:
    """Both servers, and the environment that names them; SQLite alone when that is asked for."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-test-"))
        values = TEST_ENVIRONMENT | {
            "JOURNAL_ANCHOR_FILE": os.path.join(folder, "anchors.jsonl"),  # noqa: PTH118
            "EXPORT_FOLDER": os.path.join(folder, "exports"),  # noqa: PTH118
        }
        os.mkdir(values["EXPORT_FOLDER"], mode=0o700)  # noqa: PTH102 - as the console makes it
        if os.environ.get("PARLEY_TEST_DATABASE") == "sqlite":
            # As in embedded mode: a file, and no Redis.
            values["DATABASE_URL"] = f"sqlite:///{folder}/parley.sqlite3"
            os.environ.pop("REDIS_URL", None)
        else:
            values["DATABASE_URL"] = stack.enter_context(postgres()).url
            values["REDIS_URL"] = stack.enter_context(redis()).url
        os.environ.update(values)
        yield


_running_servers = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(args: list[str]) -> Iterator[None]:
    """A wrapper comes before pytest-django's own hook, which reads the settings."""
    if not {"--help", "-h", "--version", "-V"} & set(args):
        try:
            _running_servers.enter_context(environment())
        except ServerUnavailable as error:
            raise pytest.UsageError(f"Cannot test: {error}") from None
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _running_servers.close()


def main(command: list[str]) -> int:
    try:
        with environment():
            return subprocess.run(command, check=False).returncode  # noqa: S603 - the caller's own
    except ServerUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
