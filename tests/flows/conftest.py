"""What flows share: the platform beside `processes`, a machine of its own, embedded mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.embedded import Embedded
from tests.flows.platform import Platform
from tests.processes import Processes, bare_environment
from tests.servers import TEST_ENVIRONMENT
from tests.simulators import SimulatorThread


@pytest.fixture
def platform(simulator_thread: SimulatorThread) -> Platform:
    return Platform(simulator_thread.base_url)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    started = Embedded(tmp_path)
    try:
        yield started
    finally:
        started.processes.stop_all()


@pytest.fixture
def machine(tmp_path: Path) -> Processes:
    """Configured as the tests are, with a database of its own; nothing else is inherited."""
    environment = {
        **TEST_ENVIRONMENT,
        "PARLEY_HOME": str(tmp_path / "home"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'parley.sqlite3'}",
    }
    return Processes(folder=tmp_path, environment=environment, inherited=bare_environment())
