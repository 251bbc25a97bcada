"""Fixtures that all tests share; what one room alone needs stands in its own conftest."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import browser
from tests.flush import let_flush_pass_triggers
from tests.processes import Processes, database_url_of
from tests.simulators import SimulatorThread, simulator_environment, simulator_server

ON_SQLITE = os.environ.get("PARLEY_TEST_DATABASE") == "sqlite"
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}
BROWSER_FIXTURES = {"page", "context", "browser", "new_context"}

_chromium = pytest.StashKey[Any]()

# A slow moment of the machine is no fault of the code.
hypothesis_settings.register_profile(
    "noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("noisy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Markers follow from what a test asks for; `-m` is applied after this."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if asked & BROWSER_FIXTURES:
            item.add_marker(pytest.mark.browser)
        if "processes" in asked:
            item.add_marker(pytest.mark.flow)
        if _runs_on_both(item, asked):
            item.add_marker(pytest.mark.both_databases)


def _runs_on_both(item: pytest.Item, asked: set[str]) -> bool:
    if any(item.get_closest_marker(name) for name in ("flow", "browser", "postgresql_only")):
        return False
    return bool(item.get_closest_marker("django_db") or asked & DATABASE_FIXTURES)


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def pytest_order_by_kind(items: list[pytest.Item]) -> None:
    """Browser tests last: once Playwright is started its loop stays the running one, and no async
    test can follow."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Finds or installs Chromium before the first test: that may take longer than a test may."""
    if session.config.option.collectonly:
        return
    if any(item.get_closest_marker("browser") for item in session.items):
        try:
            session.config.stash[_chromium] = browser.ensure_chromium()
        except browser.BrowserUnavailable as error:
            session.config.stash[_chromium] = error


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """What a test's pages reported of typing is stored while its database may be asked."""
    keeper = sys.modules.get("assist.engagement.keeper")
    if keeper is not None:
        keeper.close()
        keeper._running.clear()
    return (yield)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """A hash that is slow to guess is slow to make; the web server reads these as well."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    PBKDF2PasswordHasher.iterations = 1


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], pytestconfig: pytest.Config
) -> dict[str, Any]:
    executable = pytestconfig.stash.get(_chromium, None)
    if isinstance(executable, Exception):
        pytest.fail(f"Cannot test in a browser: {executable}", pytrace=False)
    # Playwright's synchronous API runs a loop in this thread; the ORM beside it would refuse.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    return browser_type_launch_args | browser.launch_arguments(executable)


@pytest.fixture(autouse=True)
def close_connections_of_browser_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Beside Playwright's loop Django keeps a second connection, which nobody else closes."""
    yield
    if request.node.get_closest_marker("browser"):
        from django.db import connections

        connections.close_all()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    from django.db import connection

    let_flush_pass_triggers(connection)
    yield
    if connection.vendor != "postgresql":
        return
    # A thread that has not ended yet must not keep the database from being dropped.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
async def simulator() -> AsyncIterator[Any]:
    """The simulator on a free port, in the test's own loop: `.base_url`, `.port`, `.world`."""
    server = simulator_server()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
def simulator_thread(request: pytest.FixtureRequest) -> Iterator[SimulatorThread]:
    """The simulator on a loop of its own, for tests that block: flows and browser tests.

    Indirect parameters are options of its configuration: `{"ids_in_events": False}`.
    """
    with SimulatorThread(**getattr(request, "param", {})) as running:
        yield running


@pytest.fixture
def processes(
    transactional_db: None, simulator_thread: SimulatorThread, tmp_path: Path
) -> Iterator[Processes]:
    """Real processes on the test database, Redis and the simulator of `simulator_thread`."""
    from django.db import connection

    environment = simulator_environment(simulator_thread.base_url)
    environment["DATABASE_URL"] = database_url_of(str(connection.settings_dict["NAME"]))
    running = Processes(folder=tmp_path, environment=environment)
    try:
        yield running
    finally:
        running.stop_all()
