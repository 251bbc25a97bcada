"""A process that is killed loses the last moments of typing and nothing else; one that ends in
good order loses nothing. Real processes on one row.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from django.db.models import Sum

from assist.models import Engagement
from tests.conversations import histories
from tests.processes import Processes, RunningProcess


def stored() -> int:
    return Engagement.objects.aggregate(total=Sum("keystrokes"))["total"] or 0


def settled() -> int:
    """What was on its way to the database at the kill may still be written."""
    seen = -1
    while seen != (seen := stored()):
        time.sleep(1)
    return seen


@pytest.mark.timeout(90)
def test_a_kill_loses_the_last_moments_and_doubles_nothing(processes: Processes, tmp_path: Path):
    conversation = histories.said("Hola").conversation_id

    def begin(name: str) -> tuple[RunningProcess, Path]:
        file, before = tmp_path / name, stored()
        command = ["-m", "tests.assist.engagement.typist", str(conversation), str(file)]
        typist = processes.start(name, command, ready=lambda: stored() > before)
        return typist, file

    def reported(file: Path) -> int:
        return int(file.read_text())

    typist, file = begin("killed")
    certainly = reported(file) + 100
    processes.wait_until(lambda: stored() >= certainly, what="it is stored every 0.3 s")
    typist.kill()
    before = settled()
    assert certainly <= before <= reported(file) + 2

    typist, file = begin("ended")
    time.sleep(0.5)
    assert typist.stop() == 0
    assert stored() - before == reported(file)
    [line] = [one for one in typist.output().splitlines() if "agent_typing_engagement" in one]
    assert f'"totalKeystrokes":{stored()}' in line
    assert line.startswith('{"event":')
    row = Engagement.objects.get()
    assert row.active_ms <= row.duration_ms
