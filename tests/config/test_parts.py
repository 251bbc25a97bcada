"""The parts of the embedded mode that are Celery's."""

from __future__ import annotations

import subprocess
import sys


def test_each_worker_takes_from_its_own_queues_whichever_was_made_last():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.config.two_workers"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.stdout.splitlines()[-1:] == ["done: sync bulk"], ran.stderr
