"""What flows share: the platform beside `processes`, and embedded mode in a home of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.embedded import Embedded
from tests.flows.platform import Platform
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
