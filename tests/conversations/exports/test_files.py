"""An export's file is whole or not there."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from conversations.exports import jsonl
from conversations.exports.files import BeingWritten, whole_file


def test_a_finished_file_is_there_and_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "out.jsonl"

    with whole_file(path) as stream:
        stream.write("ä\n")
        assert not path.exists()

    assert path.read_text(encoding="utf-8") == "ä\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there_before(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text("before", encoding="utf-8")

    def rows():
        yield "half"
        raise RuntimeError

    with pytest.raises(RuntimeError), whole_file(path) as stream:
        stream.writelines(rows())

    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_does_not_get_into_the_next_file(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    (tmp_path / "out.jsonl.part").write_text("a long rest of a killed run", encoding="utf-8")

    with whole_file(path) as stream:
        stream.write("new")

    assert path.read_text(encoding="utf-8") == "new"


def test_two_exports_do_not_write_the_same_file(tmp_path: Path):
    path = tmp_path / "out.jsonl"

    with whole_file(path) as first:
        first.write("first")
        with pytest.raises(BeingWritten), whole_file(path):
            pass

    assert path.read_text(encoding="utf-8") == "first"


def test_a_row_is_one_line_for_every_reader():
    text = "a\nb\u2028c\u2029d\x85e ñ 🙈"

    written = jsonl.lines([{"text": text}]).decode()

    assert len(written.splitlines()) == 1
    assert json.loads(written) == {"text": text}
    assert "ñ 🙈" in written
    assert jsonl.one_line_each('{"text":"a\u2028\x85"}'.encode()) == (b'{"text":"a\\u2028\\u0085"}')
