"""An export is written once and whole, whatever happens to the worker that writes it."""

from __future__ import annotations

import json
import math
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from conversations.exports import job
from conversations.exports.job import run_next
from conversations.models import Export, JournalEntry, MessageText
from conversations.net import faultpoints
from conversations.services import export_jobs
from conversations.services.exports import remove_files_with, tidy_exports
from conversations.services.verification import verify_journal
from tests.conversations import histories
from tests.conversations.exports.jobs import file_of, finished, run_all, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_steps(monkeypatch, settings):
    """A checkpoint after each page of two rows."""
    pages = job.rendering.pages
    monkeypatch.setattr(job, "_CHECKPOINT_BYTES", 0)
    monkeypatch.setattr(
        job.rendering, "pages", lambda *args, **options: pages(*args, **options, size=2)
    )
    yield
    faultpoints.disarm()


def texts_in(path: Path) -> list[str]:
    return [json.loads(line)["original_text"] for line in path.read_text("utf-8").splitlines()]


def lease_runs_out() -> None:
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_finished_export_is_a_whole_file_with_its_manifest(settings, folder: Path):
    histories.conversation("conv-1", messages=3)
    histories.conversation("conv-2", messages=2)

    export = finished()

    path = file_of(export, settings)
    assert texts_in(path) == ["Hola 1", "Hola 2", "Hola 3", "Hola 1", "Hola 2"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(one.name for one in folder.iterdir()) == sorted(
        [path.name, f"{export.key}.manifest.json"]
    )
    values = json.loads((folder / f"{export.key}.manifest.json").read_text("utf-8"))
    assert (
        (values["rows"], values["size"]) == (5, path.stat().st_size) == (export.rows, export.size)
    )
    assert values["sha256"] == export.sha256
    assert values["requested_by"] == "user:1:cora"
    assert set(values["heads"]) == {"conv-1", "conv-2"}
    assert export.expected == 5


def test_the_journal_says_who_took_what_and_its_chains_hold():
    conversation = histories.conversation("conv-1", messages=1)
    before = conversation.seq

    export = finished()

    own = JournalEntry.objects.get(conversation=conversation, kind="exported")
    assert (own.seq, own.actor) == (before + 1, "user:1:cora")
    assert json.loads(own.data) == {"export": export.key, "kind": "transcripts", "upto": before}
    kinds = list(
        JournalEntry.objects.filter(conversation__channel="console")
        .order_by("seq")
        .values_list("kind", flat=True)
    )
    assert kinds == ["export_requested", "export_finished"]
    asked = JournalEntry.objects.get(kind="export_requested")
    assert "A reason" not in asked.data
    assert asked.commitment == export_jobs.commitment(bytes(export.reason_salt), "A reason")
    assert verify_journal().holds


def test_a_conversation_without_rows_in_the_period_is_not_covered():
    old = histories.said("old", conversation="conv-1")
    histories.said("new", conversation="conv-2")
    JournalEntry.objects.filter(kind="exported").exists()

    export = finished(since=old.received_at + timedelta(microseconds=1))

    covered = JournalEntry.objects.filter(kind="exported")
    assert [entry.conversation.external_id for entry in covered] == ["conv-2"]
    assert (export.rows, export.heads) == (1, 1)


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_who_comes_after_a_killed_worker_goes_on_from_the_last_durable_row(
    settings, file_format: str
):
    histories.conversation("conv-1", messages=5)
    whole = file_of(finished(file_format=file_format), settings).read_bytes()
    # The `exported` entries are after the heads, so that a second export has the same rows.
    export = wanted(file_format=file_format)
    faultpoints.arm("X1:3:raise")
    with pytest.raises(faultpoints.FaultRaised):
        run_next("first", until=math.inf)
    export.refresh_from_db()
    assert (export.state, export.rows) == ("running", 4)
    assert not run_next("second", until=math.inf)  # it is the first's until its lease runs out

    lease_runs_out()
    read = _texts_read(lambda: run_all("second"))

    export.refresh_from_db()
    assert (export.state, export.rows, export.run) == ("finished", 5, 2)
    assert file_of(export, settings).read_bytes() == whole
    assert read == 1  # not the four that were durable


def _texts_read(action) -> int:
    """How many rows were asked of the database: each page passes X1."""
    passed = 0
    plain = job.point

    def count(name: str) -> None:
        nonlocal passed
        passed += name == "X1"
        plain(name)

    job.point = count
    try:
        action()
    finally:
        job.point = plain
    return passed


@pytest.mark.parametrize("point", ["X2:1", "X2:2", "X3:1", "X4:1"])
def test_a_worker_that_dies_anywhere_leaves_no_partial_file_and_no_second_one(
    settings, folder: Path, point: str
):
    histories.conversation("conv-1", messages=3)
    export = wanted()
    faultpoints.arm(f"{point}:raise")
    with pytest.raises(faultpoints.FaultRaised):
        run_next("first", until=math.inf)
    whole = [path for path in folder.glob("*.jsonl") if len(texts_in(path)) == 3]
    assert list(folder.glob("*.jsonl")) == whole

    lease_runs_out()
    run_all("second")
    tidy_exports()

    export.refresh_from_db()
    assert texts_in(file_of(export, settings)) == ["Hola 1", "Hola 2", "Hola 3"]
    assert len(list(folder.iterdir())) == 2
    assert JournalEntry.objects.filter(kind="exported").count() == 1


@pytest.mark.parametrize("point", ["X2:1", "X3:1", "X4:1"])
def test_a_pdf_is_written_once_wherever_its_worker_dies(settings, folder: Path, point: str):
    histories.conversation("conv-1", messages=1)
    export = wanted("transcripts", "pdf", conversations=("conv-1",))
    faultpoints.arm(f"{point}:raise")
    with pytest.raises(faultpoints.FaultRaised):
        run_next("first", until=math.inf)

    lease_runs_out()
    run_all("second")

    export.refresh_from_db()
    assert (export.state, export.rows) == ("finished", 1)
    assert file_of(export, settings).read_bytes().count(b"%PDF-") == 1


def test_a_worker_that_was_thought_dead_writes_nothing_any_more(settings, folder: Path):
    histories.conversation("conv-1", messages=4)
    export = wanted()
    first = export_jobs.claim_next("first")
    lease_runs_out()
    assert export_jobs.claim_next("second") is not None

    with pytest.raises(export_jobs.Lost):
        export_jobs.checkpoint(first, rows=1, size=1, position="[1,1]", part="x")
    lease_runs_out()
    run_all("third")
    export.refresh_from_db()
    with pytest.raises(export_jobs.Lost):
        export_jobs.finish(first, file_name="x", sha256="0", manifest="{}")

    assert export.state == "finished"
    assert texts_in(file_of(export, settings)) == [f"Hola {number}" for number in (1, 2, 3, 4)]


def test_a_text_erased_meanwhile_is_in_no_byte_of_the_file(settings, folder: Path):
    conversation = histories.conversation("conv-1", messages=4)
    export = wanted()
    faultpoints.arm("X1:2:raise")
    with pytest.raises(faultpoints.FaultRaised):
        run_next("first", until=math.inf)
    histories.tamper("UPDATE conversations_attributeaudit SET text_id = NULL")
    MessageText.objects.filter(text__contains="1").delete()

    remove_files_with([conversation.pk], reason="guest erased")
    run_all("second")

    export.refresh_from_db()
    assert texts_in(file_of(export, settings)) == [None, "Hola 2", "Hola 3", "Hola 4"]
    assert b"Hola 1" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_cancelled_export_leaves_nothing(folder: Path):
    histories.conversation("conv-1", messages=4)
    export = wanted()
    faultpoints.arm("X1:2:raise")
    with pytest.raises(faultpoints.FaultRaised):
        run_next("first", until=math.inf)

    assert export_jobs.cancel(export, actor="user:1:cora")

    export.refresh_from_db()
    lease_runs_out()
    run_all()
    assert export.state == "cancelled"
    assert list(folder.iterdir()) == []
    assert not export_jobs.cancel(export, actor="user:1:cora")
    assert JournalEntry.objects.filter(kind="export_cancelled").count() == 1


def test_a_run_whose_time_is_over_hands_on(settings):
    histories.conversation("conv-1", messages=5)
    export = wanted()

    runs = 0
    while run_next(f"run {runs}", until=0.0):
        runs += 1

    export.refresh_from_db()
    assert texts_in(file_of(export, settings)) == [f"Hola {number}" for number in range(1, 6)]
    assert runs > 2


def test_what_ends_every_worker_is_given_up(folder: Path):
    histories.conversation("conv-1", messages=4)
    export = wanted()
    for _ in range(export_jobs.BARREN_AT_MOST + 1):  # the first one brought the journal forward
        faultpoints.arm("X1:1:raise")
        with pytest.raises(faultpoints.FaultRaised):
            run_next("worker", until=math.inf)
        lease_runs_out()

    run_all()

    export.refresh_from_db()
    assert export.state == "failed"
    assert "ended 5 times" in export.failure
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_with_its_fix(settings, tmp_path: Path):
    histories.conversation("conv-1", messages=1)
    (tmp_path / "a file").write_text("")
    settings.EXPORT_FOLDER = str(tmp_path / "a file" / "exports")

    export = wanted()
    run_all()

    export.refresh_from_db()
    assert export.state == "failed"
    assert export.failure.startswith("EXPORT_FOLDER cannot be written")


def test_old_files_go_and_what_they_were_stays(settings, folder: Path):
    histories.conversation("conv-1", messages=1)
    export = finished()
    (folder / f"{'0' * 32}-1.jsonl").write_text("of no export")
    later = timezone.now() + timedelta(days=31)

    removed = tidy_exports(now=later)

    export.refresh_from_db()
    assert removed == 2
    assert (export.state, export.rows) == ("erased", 1)
    assert [path.name for path in folder.iterdir()] == [f"{export.key}.manifest.json"]


def kind_of_another_app(scope):
    """A function from a scope to rows, as EXPORTS may name one."""
    yield {"conversation": scope.conversation, "n": 1}
    yield {"conversation": scope.conversation, "n": 2}


def test_any_registered_kind_is_exported(settings):
    settings.EXPORTS = settings.EXPORTS | {"other": f"{__name__}.kind_of_another_app"}
    histories.conversation("conv-1", messages=1)
    histories.conversation("conv-2", messages=1)

    lines = file_of(finished("other"), settings).read_text("utf-8").splitlines()
    table = file_of(finished("other", "csv"), settings).read_text("utf-8")

    assert [json.loads(line) for line in lines] == [
        {"conversation": name, "n": number} for name in ("conv-1", "conv-2") for number in (1, 2)
    ]
    assert table.splitlines()[:2] == ['"conversation","n"', '"conv-1",1']
