"""What has to be forgotten is in no export's file either; that there was one stays known."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from conversations.models import Conversation, Export, ExportHead, JournalEntry
from conversations.services.exports import remove_files_with
from conversations.services.verification import verify_journal
from tests.conversations import histories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.EXPORT_FOLDER = str(tmp_path)
    return tmp_path


def an_export(folder: Path, *conversations: Conversation, **fields) -> Export:
    """One whose file has been written, of these conversations."""
    key = os.urandom(16).hex()
    name = f"{key}-1.jsonl"
    values = {"state": Export.State.FINISHED, "file_name": name, "run": 1} | fields
    export = Export.objects.create(
        key=key, kind="transcripts", file_format="jsonl", asked="{}", reason_salt=b"0" * 16,
        requested_at=timezone.now(), rows=3, size=9, position="[1,2]", manifest="{}", **values,
    )  # fmt: skip
    for conversation in conversations:
        ExportHead.objects.create(
            export=export, conversation=conversation, seq=conversation.seq, head=conversation.head
        )
    (folder / name).write_text("Hola\n", encoding="utf-8")
    (folder / f"{key}.manifest.json").write_text("{}", encoding="utf-8")
    return export


def test_the_files_of_exports_that_contain_a_conversation_are_deleted(folder: Path):
    erased, kept = (histories.conversation(name, messages=1) for name in ("conv-1", "conv-2"))
    both, other = an_export(folder, erased, kept), an_export(folder, kept)

    removed = remove_files_with([erased.pk], reason="guest erased")

    assert removed == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{both.key}.manifest.json", f"{other.key}.manifest.json", other.file_name]
    )
    both.refresh_from_db(), other.refresh_from_db()
    assert (both.state, both.rows, both.manifest) == ("erased", 3, "{}")
    assert both.erased_at is not None
    assert other.state == "finished"
    entry = JournalEntry.objects.get(kind="export_erased")
    assert both.key in entry.data
    assert "guest erased" in entry.data
    assert verify_journal().holds


def test_doing_it_twice_changes_nothing_more(folder: Path):
    conversation = histories.conversation(messages=1)
    an_export(folder, conversation)

    counts = [remove_files_with([conversation.pk], reason="retention") for _ in range(2)]

    assert counts == [1, 0]
    assert JournalEntry.objects.filter(kind="export_erased").count() == 1


def test_an_export_that_is_being_written_begins_again(folder: Path):
    conversation = histories.conversation(messages=1)
    running = an_export(
        folder, conversation, state="running", lease_owner="a worker",
        lease_until=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    (folder / f"{running.key}-2.part").write_text("Hola", encoding="utf-8")

    remove_files_with([conversation.pk], reason="guest erased")

    running.refresh_from_db()
    assert (running.state, running.rows, running.size, running.position) == ("queued", 0, 0, "")
    assert running.lease_owner == ""  # whoever holds it must not write on
    assert [path.name for path in folder.iterdir()] == [f"{running.key}.manifest.json"]


def test_a_folder_that_nobody_has_made_yet_is_no_failure(settings, tmp_path: Path):
    settings.EXPORT_FOLDER = str(tmp_path / "not there")
    conversation = histories.conversation(messages=1)

    assert remove_files_with([conversation.pk], reason="retention") == 0
