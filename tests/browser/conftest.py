"""What the browser tests share: a page of the console that complains of nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.processes import Processes, database_url_of
from tests.simulators import simulator_environment
from tests.web import Web, WebServer

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
