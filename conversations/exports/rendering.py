"""An export's bytes, page by page: rendered by the database where it can, else here; the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from django.db import connection

from conversations.exports import in_database, jsonl, spreadsheet
from conversations.exports.base import Position, Row, Scope, Source
from conversations.exports.in_database import InDatabase, Rendered

PAGED = ("csv", "jsonl")  # what is written page by page


def beginning(file_format: str, columns: Sequence[str], *, bom: bool) -> bytes:
    if file_format != "csv":
        return b""
    return (spreadsheet.BOM if bom else b"") + (spreadsheet.header(columns) if columns else b"")


def pages(
    source: Source,
    scope: Scope,
    file_format: str,
    columns: Sequence[str],
    *,
    after: Position | None = None,
    size: int | None = None,
) -> Iterator[Rendered]:
    if can_render(source, scope):
        able = cast("InDatabase", source)
        wanted = size or in_database.SIZE
        return in_database.pages(able, scope, file_format, columns, after=after, size=wanted)
    return _rendered_here(source, scope, file_format, columns, after=after, size=size)


def can_render(source: Source, scope: Scope) -> bool:
    """The statements read the heads of an export; a preview has none."""
    return (
        connection.vendor == "postgresql"
        and scope.export is not None
        and hasattr(source, "sql_columns")
    )


def _rendered_here(
    source: Source,
    scope: Scope,
    file_format: str,
    columns: Sequence[str],
    *,
    after: Position | None,
    size: int | None,
) -> Iterator[Rendered]:
    options: dict[str, Any] = {"size": size} if size else {}
    for page in source.pages(scope, after=after, **options):
        data = _lines(file_format, page.rows, columns)
        yield Rendered(data, len(page.rows), page.last)


def _lines(file_format: str, rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    if file_format == "jsonl":
        return jsonl.lines(rows, columns or None)
    return spreadsheet.lines(rows, columns)
