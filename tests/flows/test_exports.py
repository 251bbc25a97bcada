"""An export in earnest: asked for at the page, written by a Celery worker that is killed at it,
finished by another, and held against the manifest without the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from conversations.models import Export, JournalEntry
from tests.conversations import histories
from tests.conversations.live.histories import History, a_conversation
from tests.processes import Processes

MESSAGES = 2_000  # two pages


def kill_at_the_second_page(processes: Processes) -> dict[str, str]:
    return {"FAULT_POINTS": "X1:2:kill", "FAULT_LOG": str(processes.folder / "faults")}


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_no_row_and_writes_none_twice(processes: Processes, client: Client):
    History(a_conversation("conv-1")).say_many(MESSAGES)
    client.force_login(histories.user("cora", "compliance"))
    worker = ["celery", "-A", "config", "worker", "-Q", "bulk", "-P", "threads", "-c", "1"]
    first = processes.start(
        "worker", ["-m", "tests.faults.armed", "-m", *worker],
        environment=kill_at_the_second_page(processes),
    )  # fmt: skip

    client.post(
        "/exports/new/",
        {"kind": "transcripts", "file_format": "jsonl", "reason": "A request", "do": "start"},
    )
    processes.wait_until(lambda: not first.is_running, what="the worker is killed")
    export = Export.objects.get()
    assert export.state == "running"
    assert not list(Path(settings.EXPORT_FOLDER).glob(f"{export.key}*.jsonl"))
    Export.objects.update(lease_until=timezone.now())  # in place of a minute of waiting
    processes.start("worker", ["-m", *worker])
    # Nobody wakes it: the schedule would.
    from conversations.tasks import run_exports

    run_exports.delay()
    processes.wait_until(
        lambda: Export.objects.get().state == "finished", what="the export is finished"
    )

    export.refresh_from_db()
    file = Path(settings.EXPORT_FOLDER) / export.file_name
    lines = file.read_text("utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, MESSAGES + 1))
    assert (export.rows, export.run) == (MESSAGES, 2)
    assert JournalEntry.objects.filter(kind="exported").count() == 1
    verified = processes.run(
        "verify_export", str(file),
        "--manifest", str(file.with_name(f"{export.key}.manifest.json")),
        environment={"DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/nowhere"},
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr
    assert f"{MESSAGES} of {MESSAGES} rows" in verified.stdout
