"""Compares an export's file with its manifest, without the database: by anybody, anywhere.

Says what holds as ratios, and what does not by kind. Memory is flat: the file is read once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from conversations.exports import manifest as manifests
from conversations.exports.part_file import Digests
from conversations.services.export_jobs import digest_of_head

FAULTS_KEPT = 20


class FaultKind(Enum):
    FILE_CHANGED = "file changed"
    FILE_CUT = "file cut off"
    FILE_LONGER = "file has more"
    ROWS_DIFFER = "rows missing or added"
    ROW_UNREADABLE = "row unreadable"
    CHAIN_BROKEN = "chain broken"
    HEAD_DIFFERS = "head differs"
    NOT_SIGNED = "not signed"
    FORGED = "manifest forged"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    words: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.words}"


@dataclass(slots=True)
class Report:
    rows: int | None = None
    rows_promised: int = 0
    blocks: int = 0
    valid_blocks: int = 0
    chains: int | None = None
    valid_chains: int = 0
    is_signed: bool = False
    is_signature_valid: bool | None = None  # None: no public key to ask
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults and bool(self.is_signature_valid)

    def note(self, kind: FaultKind, words: str) -> None:
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(kind, words))


class _Reading(io.RawIOBase):
    """The file's bytes on their way to whoever reads its rows, digested as they pass."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digests = Digests()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self.digests.add(data)
        buffer[: len(data)] = data
        return len(data)


def verify(
    file: Path,
    values: Mapping[str, Any],
    public_key: Ed25519PublicKey | None,
    *,
    read_rows: bool = True,
) -> Report:
    """`values` are the manifest's. Raises OSError where the file cannot be read."""
    report = Report(rows_promised=int(values["rows"]))
    _check_signature(values, public_key, report)
    with file.open("rb") as source:
        reading = _Reading(source)
        buffered: io.BufferedReader[Any] = io.BufferedReader(reading, 1024 * 1024)
        try:
            if read_rows:
                _check_rows(buffered, values, report)
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            where = f"row {(report.rows or 0) + 1} ({type(error).__name__})"
            report.note(FaultKind.ROW_UNREADABLE, where)
        while buffered.read(1024 * 1024):
            pass
    _check_digests(reading.digests, values, report)
    return report


def _check_signature(
    values: Mapping[str, Any], public_key: Ed25519PublicKey | None, report: Report
) -> None:
    report.is_signed = bool(values.get("signature"))
    if not report.is_signed:
        report.note(FaultKind.NOT_SIGNED, "there was no JOURNAL_SIGNING_KEY when it was made")
    elif public_key is not None:
        report.is_signature_valid = manifests.is_signed_by(values, public_key)
        if not report.is_signature_valid:
            report.note(
                FaultKind.FORGED, "its signature is not this key's over what the manifest says"
            )


def _check_digests(found: Digests, values: Mapping[str, Any], report: Report) -> None:
    promised, blocks = list(values["blocks"]), found.all_blocks()
    report.blocks = len(promised)
    same = [mine == theirs for mine, theirs in zip(blocks, promised, strict=False)]
    report.valid_blocks = sum(same)
    if found.size < values["size"]:
        report.note(FaultKind.FILE_CUT, f"{found.size} of {values['size']} bytes are there")
    if found.size > values["size"]:
        report.note(FaultKind.FILE_LONGER, f"{found.size} bytes in place of {values['size']}")
    if found.sha256() != values["sha256"]:
        first = same.index(False) if False in same else len(same)
        begin = first * int(values["block_size"])
        report.note(
            FaultKind.FILE_CHANGED, f"its SHA-256 is another; first difference after byte {begin}"
        )


def _check_rows(stream: io.BufferedReader[Any], values: Mapping[str, Any], report: Report) -> None:
    if values["format"] == "pdf":
        return
    report.rows = 0
    rows = _json_rows(stream) if values["format"] == "jsonl" else _csv_rows(stream, values)
    chains = _Chains(values, report) if _has_whole_chains(values) else None
    columns = set(values["columns"])
    for row in rows:
        if columns and set(row) != columns:
            raise ValueError("other columns")
        report.rows += 1
        if chains is not None:
            chains.add(row)
    if chains is not None:
        chains.end()
    if report.rows != report.rows_promised:
        words = f"{report.rows} rows in place of {report.rows_promised}"
        report.note(FaultKind.ROWS_DIFFER, words)


def _json_rows(stream: io.BufferedReader[Any]) -> Iterator[Mapping[str, Any]]:
    for line in stream:
        yield json.loads(line)


def _csv_rows(
    stream: io.BufferedReader[Any], values: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(64 * 1024 * 1024)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    header = next(reader, list(values["columns"]))
    for record in reader:
        yield dict(zip(header, record, strict=True))
    text.detach()


def _has_whole_chains(values: Mapping[str, Any]) -> bool:
    """Of an audit trail without a period every chain is there from its first entry to its head."""
    asked = values["asked"]
    needed = {"conversation_id", "seq", "previous", "digest"}
    is_whole = not asked.get("since") and not asked.get("until")
    return values["kind"] == "audit" and is_whole and needed <= set(values["columns"])


class _Chains:
    """Each entry follows the one before, and the last is the head that the manifest names."""

    def __init__(self, values: Mapping[str, Any], report: Report) -> None:
        self._promised = values["heads_digest"]
        self._heads = values["heads"]
        self._report = report
        self._digest = hashlib.sha256()
        self._name: str | None = None
        self._seq, self._head = 0, ""
        self._is_whole = True
        report.chains = 0

    def add(self, row: Mapping[str, Any]) -> None:
        name, seq = row["conversation_id"], int(row["seq"])
        if name != self._name:
            self._close()
            self._name, self._seq, self._head, self._is_whole = name, 0, "", True
        follows = seq == self._seq + 1 and (row["previous"] or "") == self._head
        if not follows and self._is_whole:
            self._report.note(FaultKind.CHAIN_BROKEN, f"{name}, entry {seq}")
            self._is_whole = False
        self._seq, self._head = seq, row["digest"]

    def end(self) -> None:
        self._close()
        if self._digest.hexdigest() != self._promised and not self._report.faults:
            self._report.note(FaultKind.HEAD_DIFFERS, "the chains do not end where they ended then")

    def _close(self) -> None:
        if self._name is None:
            return
        self._digest.update(digest_of_head(self._name, self._seq, self._head))
        self._report.chains = (self._report.chains or 0) + 1
        is_head = self._heads is None or self._heads.get(self._name) == [self._seq, self._head]
        if not is_head:
            self._report.note(FaultKind.HEAD_DIFFERS, f"{self._name}, entry {self._seq}")
        self._report.valid_chains += self._is_whole and is_head
