"""Whoever has the file, its manifest and the public key can tell whether anything was changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conversations.exports import manifest as manifests
from conversations.exports.verifying import FaultKind, Report, verify
from conversations.services.anchors import signing_key
from tests.conversations import histories
from tests.conversations.exports.jobs import file_of, finished
from tests.processes import ROOT

pytestmark = pytest.mark.django_db


class Evidence:
    """An audit trail of two conversations and its manifest, as an auditor gets them."""

    def __init__(self, settings: Any, folder: Path, file_format: str = "jsonl") -> None:
        histories.conversation("conv-1", messages=2)
        histories.conversation("conv-2", messages=1)
        export = finished("audit", file_format)
        self.file = file_of(export, settings)
        self.manifest = folder / f"{export.key}.manifest.json"
        self.key = signing_key()

    def verify(self) -> Report:
        values = manifests.read(self.manifest.read_text("utf-8"))
        return verify(self.file, values, self.key.public_key())

    def rewrite(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        lines = self.file.read_bytes().splitlines(keepends=True)
        self.file.write_bytes(b"".join(change(lines)))

    def claim(self, **changed: Any) -> None:
        """Whoever changes the manifest as well, without the key."""
        values = json.loads(self.manifest.read_text("utf-8")) | changed
        self.manifest.write_text(json.dumps(values), "utf-8")


@pytest.fixture
def evidence(settings, folder: Path) -> Evidence:
    return Evidence(settings, folder)


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_what_was_written_holds(settings, folder: Path, file_format: str):
    report = Evidence(settings, folder, file_format).verify()

    assert report.holds, report.faults
    assert report.rows == report.rows_promised > 10
    assert (report.chains, report.valid_chains) == (3, 3)  # the console's own is one
    assert (report.blocks, report.valid_blocks) == (1, 1)


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b"gateway", b"nobody!"), *lines[1:]]


TAMPERINGS: list[tuple[Callable[[list[bytes]], list[bytes]], set[FaultKind]]] = [
    (changed, {FaultKind.FILE_CHANGED}),
    (lambda lines: lines[1:], {FaultKind.FILE_CUT, FaultKind.CHAIN_BROKEN, FaultKind.ROWS_DIFFER}),
    (lambda lines: lines[:-1], {FaultKind.FILE_CUT, FaultKind.ROWS_DIFFER}),
    (lambda lines: [*lines, lines[-1]], {FaultKind.FILE_LONGER, FaultKind.CHAIN_BROKEN}),
    (lambda lines: [lines[1], lines[0], *lines[2:]], {FaultKind.CHAIN_BROKEN}),
    (lambda lines: [b"{" + lines[0], *lines[1:]], {FaultKind.ROW_UNREADABLE}),
]


@pytest.mark.parametrize(("change", "kinds"), TAMPERINGS)
def test_a_changed_file_is_found(evidence: Evidence, change, kinds: set[FaultKind]):
    evidence.rewrite(change)

    report = evidence.verify()

    found = {fault.kind for fault in report.faults}
    assert found >= kinds | {FaultKind.FILE_CHANGED}
    assert report.valid_blocks == 0


def test_a_manifest_made_to_fit_a_changed_file_is_forged(evidence: Evidence):
    evidence.rewrite(changed)
    raw = evidence.file.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    evidence.claim(sha256=digest, blocks=[digest], size=len(raw))

    [fault] = evidence.verify().faults

    assert fault.kind == FaultKind.FORGED


def test_another_key_is_not_the_journals(evidence: Evidence):
    evidence.key = Ed25519PrivateKey.generate()

    assert {fault.kind for fault in evidence.verify().faults} == {FaultKind.FORGED}


def test_a_chain_cut_at_its_end_is_found_without_the_manifests_hashes(evidence: Evidence):
    """The heads are those of the journal, which anchors prove as well."""
    values = manifests.read(evidence.manifest.read_text("utf-8"))
    lines = evidence.file.read_bytes().splitlines(keepends=True)
    last_of_first = max(
        number
        for number, line in enumerate(lines)
        if json.loads(line)["conversation_id"] == "conv-1"
    )
    evidence.rewrite(lambda lines: lines[:last_of_first] + lines[last_of_first + 1 :])

    report = verify(evidence.file, values, evidence.key.public_key())

    assert "head differs: conv-1" in " ".join(map(str, report.faults))
    assert report.valid_chains == 2


def test_without_a_key_it_is_not_signed_and_does_not_hold(settings, folder: Path):
    settings.JOURNAL_SIGNING_KEY = ""
    histories.conversation("conv-1", messages=1)
    export = finished()
    values = manifests.read((folder / f"{export.key}.manifest.json").read_text("utf-8"))

    report = verify(file_of(export, settings), values, None)

    assert [fault.kind for fault in report.faults] == [FaultKind.NOT_SIGNED]
    assert not report.holds


def test_the_command_needs_no_database(evidence: Evidence):
    environment = os.environ | {
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/nowhere",
        "JOURNAL_SIGNING_KEY": "",
    }
    public = evidence.key.public_key().public_bytes_raw().hex()
    command = [sys.executable, "manage.py", "verify_export", str(evidence.file),
               "--manifest", str(evidence.manifest)]  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a command of ours
            [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    whole, unasked = run("--public-key", public), run()
    evidence.rewrite(changed)
    broken = run("--public-key", public)

    assert whole.returncode == 0, whole.stderr
    assert "3 of 3 chains end at their heads, 1 of 1 signatures valid" in whole.stdout
    assert unasked.returncode == 1
    assert "give --public-key" in unasked.stdout
    assert broken.returncode == 1
    assert "file changed: its SHA-256 is another" in broken.stdout
