"""What an export would be like: its first rows, how many there are, how large it will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from conversations.exports import jsonl, spreadsheet
from conversations.exports.asked import Asked
from conversations.exports.sources import source_of
from conversations.services.export_jobs import patience

ROWS = 20


@dataclass(frozen=True, slots=True)
class Preview:
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    expected: int | None  # rows; None where the kind cannot say
    size: int | None  # bytes, about

    @property
    def is_empty(self) -> bool:
        return not self.rows


def preview(kind: str, file_format: str, asked: Asked) -> Preview:
    source, scope = source_of(kind), asked.scope()
    with patience():
        found = (row for page in source.pages(scope, size=ROWS) for row in page.rows)
        rows = list(islice(found, ROWS))
        expected = source.count(scope) if rows else 0
    columns = tuple(asked.columns or source.columns or (rows[0] if rows else ()))
    size = _size(rows, columns, file_format, expected) if expected is not None else None
    return Preview(columns, [[row[name] for name in columns] for row in rows], expected, size)


def _size(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], file_format: str, expected: int
) -> int:
    if not rows:
        return 0
    lines = spreadsheet.lines if file_format == "csv" else jsonl.lines
    return len(lines(rows, columns)) * expected // len(rows)
