"""`export` writes rows to where it is told, and progress to standard error."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", "--output", "-"], "'audit' does not exist yet; there is: transcripts"),
        (["transcripts", "--format", "pdf", "--output", "-"], "'pdf' does not exist yet"),
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
