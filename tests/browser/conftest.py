"""What the browser tests share: a page of the console that complains of nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.processes import Processes, database_url_of
from tests.simulators import SimulatorThread, simulator_environment
from tests.web import Web, WebServer

expect.set_options(timeout=20_000)  # several processes share this machine
NOWHERE = "http://127.0.0.1:1"  # pages ask nothing of the platform


@pytest.fixture(scope="session")
def web_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    """One for all tests: what each leaves in the database is taken away from under it."""
    from django.db import connection

    environment = simulator_environment(NOWHERE)
    environment["SIMULATOR_PAGE"] = "true"
    environment["DATABASE_URL"] = database_url_of(str(connection.settings_dict["NAME"]))
    processes = Processes(folder=tmp_path_factory.mktemp("web"), environment=environment)
    try:
        yield WebServer(processes)
    finally:
        processes.stop_all()


@pytest.fixture
def web(transactional_db: None, web_server: WebServer, page: Page) -> Iterator[Web]:
    running = Web(web_server, page)
    yield running
    assert running.complaints == []


# --- All of Parley behind a page: web, and where they are asked for a gateway and a worker ---


@pytest.fixture(scope="module")
def platform() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(scope="module")
def processes_of_all(
    django_db_setup: None, platform: SimulatorThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    from django.db import connection

    environment = simulator_environment(platform.base_url)
    environment["SIMULATOR_PAGE"] = "true"
    environment["DATABASE_URL"] = database_url_of(str(connection.settings_dict["NAME"]))
    running = Processes(folder=tmp_path_factory.mktemp("simulator"), environment=environment)
    try:
        yield running
    finally:
        running.stop_all()


@pytest.fixture(scope="module")
def server(processes_of_all: Processes) -> WebServer:
    return WebServer(processes_of_all)


@pytest.fixture
def translating(transactional_db: None, processes_of_all: Processes) -> Iterator[None]:
    """They start while the browser does."""
    started = [processes_of_all.start_gateway(), processes_of_all.start_worker()]
    yield
    for process in started:
        process.stop()
