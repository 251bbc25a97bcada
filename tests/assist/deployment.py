"""What the fixtures `processes` and `simulator_thread` are to a test, for runs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import ROOT, Processes
from tests.servers import TEST_ENVIRONMENT, postgres, redis
from tests.simulators import SimulatorThread, simulator_environment


@contextmanager
def deployed() -> Iterator[tuple[Processes, Any]]:
    """Servers of its own, the tables, Django set up in this process, a simulator in a thread."""
    with (
        tempfile.TemporaryDirectory(prefix="parley-calls-") as folder,
        postgres() as database,
        redis() as broker,
        SimulatorThread() as simulator,
    ):
        os.environ.update(TEST_ENVIRONMENT)
        os.environ.update(DATABASE_URL=database.url, REDIS_URL=broker.url)
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - a command of ours
        import django

        django.setup()
        environment = simulator_environment(simulator.base_url)
        processes = Processes(folder=Path(folder), environment=environment)
        try:
            yield processes, simulator
        finally:
            processes.stop_all()
