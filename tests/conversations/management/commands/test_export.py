"""`export` writes rows to where it is told, and progress to standard error."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.models import Conversation, Export, JournalEntry
from tests.conversations import histories

pytestmark = pytest.mark.django_db


def test_rows_go_to_standard_output_and_progress_to_standard_error():
    histories.conversation(messages=2)
    out, err = StringIO(), StringIO()

    call_command("export", "transcripts", "--output", "-", stdout=out, stderr=err)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["original_text"] for line in lines] == ["Hola 1", "Hola 2"]
    assert "2 rows in" in err.getvalue()


def test_rows_go_to_a_file(tmp_path: Path):
    histories.conversation(messages=2)
    path = tmp_path / "transcripts.jsonl"

    call_command("export", "transcripts", "--format", "jsonl", "--output", str(path))

    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    export = Export.objects.get()
    assert (export.state, export.rows, export.is_command) == ("finished", 2, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "transcripts.jsonl", "transcripts.jsonl.manifest.json"
    ]  # fmt: skip
    kinds = JournalEntry.objects.filter(actor__startswith="command:").values_list("kind", flat=True)
    assert sorted(kinds) == ["export_finished", "export_requested", "exported"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "--output", "-"], "'nothing' does not exist; there is: transcripts, audit"),
        (["transcripts", "--format", "xml", "--output", "-"], "'xml' does not exist"),
        (["transcripts", "--format", "pdf", "--output", "-"], "of one conversation"),
        (["audit", "--format", "pdf", "--output", "-"], "audit has no pdf; csv, jsonl"),
        (["audit", "--columns", "seq,texts", "--output", "-"], "no column texts; conversation_id"),
        (["transcripts", "--since", "yesterday", "--output", "-"], "is no time"),
        (["transcripts", "--since", "2024-13-45", "--output", "-"], "is no time"),
        (["transcripts", "--conversation", "nowhere", "--output", "-"], "no conversation nowhere"),
        (
            ["transcripts", "--since", "2024-02-01", "--until", "2024-01-01", "--output", "-"],
            "before --until",
        ),
        (["transcripts", "--output", "/nowhere/at/all.jsonl"], "Cannot write the export"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(arguments: list[str], words: str):
    with pytest.raises(CommandError, match=words):
        call_command("export", *arguments)


def test_a_time_without_offset_is_utc(tmp_path: Path):
    histories.conversation(messages=1)
    out = StringIO()

    call_command("export", "transcripts", "--until", "2024-01-01", "--output", "-", stdout=out)

    assert out.getvalue() == ""


def test_columns_language_and_several_conversations_are_chosen(tmp_path: Path):
    for name in ("conv-1", "conv-2", "conv-3"):
        histories.conversation(name, messages=1)
    Conversation.objects.filter(external_id="conv-3").update(guest_language="fr-CA")
    path = tmp_path / "out.csv"

    def export(*arguments: str) -> list[str]:
        call_command("export", "transcripts", "--format", "csv", "--output", str(path),
                     "--columns", "seq,conversation_id", *arguments, stderr=StringIO())  # fmt: skip
        return path.read_text(encoding="utf-8").splitlines()

    header = '"seq","conversation_id"'
    assert export("--language", "fr") == [header, '1,"conv-3"']
    assert export("--conversation", "conv-1", "--conversation", "conv-2") == [
        header, '1,"conv-1"', '1,"conv-2"'
    ]  # fmt: skip
    assert export("--bom", "--language", "fr")[0] == "\ufeff" + header
