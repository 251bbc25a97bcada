"""The name of a process that has just ended on this machine."""

from __future__ import annotations

import subprocess
import sys

from tests.processes import ROOT


def dead_process() -> str:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from conversations.processes import process_name; print(process_name())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()
