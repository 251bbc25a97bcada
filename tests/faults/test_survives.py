"""No loss, no double, no disorder, under kills and outages: the whole pipeline, real processes.

`PARLEY_FAULTS="--messages 200 --kills 3 --seed 7"` makes it smaller, or another run.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT

WITHIN_S = 440.0  # the harness gives up by itself after about 370


def run_harness(folder: Path, *options: str) -> dict[str, Any]:
    """The harness needs a database and a Django of its own, so it is a process of its own."""
    asked = shlex.split(os.environ.get("PARLEY_FAULTS", ""))
    command = [sys.executable, "-m", "tests.faults.harness", "--keep", str(folder)]
    ended = subprocess.run(  # noqa: S603 - a command of ours
        [*command, *options, *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended.stdout, ended.stderr[-3000:]
    return dict(json.loads(ended.stdout))


def _in_short(report: dict[str, Any]) -> str:
    """The figures in a line, then two findings of each kind."""
    details = report["details"]
    figures = {name: value for name, value in report.items() if name != "details"}
    return "\n".join(
        [json.dumps(figures), *(f"{kind}: {found[:2]}" for kind, found in details.items())]
    )


@pytest.mark.flow
@pytest.mark.longest
@pytest.mark.timeout(WITHIN_S + 30)
def test_nothing_is_lost_doubled_or_misplaced_whatever_dies(tmp_path: Path):
    report = run_harness(tmp_path)

    assert report["details"] == {}, _in_short(report)
    assert report["good"], _in_short(report)
    waiting = report["in_review"] + report["set_aside"]
    assert report["delivered"] + waiting == report["expected"] > 0
