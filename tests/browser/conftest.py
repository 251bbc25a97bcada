"""What the browser tests share: a page of the console that complains of nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.processes import Processes
from tests.web import Web


@pytest.fixture
def web(processes: Processes, page: Page) -> Iterator[Web]:
    processes.environment["SIMULATOR_PAGE"] = "true"
    running = Web(processes, page)
    yield running
    assert running.complaints == []
