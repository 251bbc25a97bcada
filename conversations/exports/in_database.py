"""Pages that PostgreSQL renders itself: one value a page, the bytes that Python would have made.

A source that can be read so names its columns as SQL (`Column`) and the rows of a page (`Select`).
Elsewhere, and for sources that cannot, `rendering` makes the same bytes of the same rows
(tests/conversations/exports/test_rendering.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from django.db import connection

from conversations.exports import jsonl
from conversations.exports.base import Position, Scope
from conversations.exports.spreadsheet import BEFORE_A_CELL, DANGEROUS, LINE_END, SKIPPED

# As many as one value may hold without weighing on server or worker: about 1.5 MB.
SIZE = 2_000


@dataclass(frozen=True, slots=True)
class Column:
    """`expression` gives text, or JSON that goes into the line as it is: `plain` (a number, true,
    false: without quotes in CSV) or `json` (quoted there); null where nothing is known."""

    name: str
    expression: str
    form: Literal["text", "plain", "json"] = "text"


@dataclass(frozen=True, slots=True)
class Select:
    """A page's rows: `page` is the statement that gives them their keys and an order, `joins` what
    the columns need beside it. `key` are the columns of `page` that make a position."""

    page: str
    parameters: Sequence[Any]
    joins: str
    key: Sequence[str]


class InDatabase(Protocol):
    sql_columns: Sequence[Column]

    def select(self, scope: Scope, *, after: Position | None, size: int) -> Select: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    data: bytes
    rows: int
    last: Position | None


def pages(
    source: InDatabase,
    scope: Scope,
    file_format: str,
    columns: Sequence[str],
    *,
    after: Position | None = None,
    size: int = SIZE,
) -> Iterator[Rendered]:
    known = {column.name: column for column in source.sql_columns}
    chosen = [known[name] for name in columns]
    line = _csv_line(chosen) if file_format == "csv" else _json_line(chosen)
    while True:
        select = source.select(scope, after=after, size=size)
        found = _one_page(select, line)
        if found is None:
            return
        data, rows, after = found
        yield Rendered(jsonl.one_line_each(data) if file_format == "jsonl" else data, rows, after)
        if rows < size:
            return


def _one_page(select: Select, line: str) -> tuple[bytes, int, Position] | None:
    key = ", ".join(f"page.{name}" for name in select.key)
    # NOT MATERIALIZED would let the limit be forgotten; ordered by key, whatever the joins did.
    statement = (
        f"WITH page AS MATERIALIZED ({select.page}), "  # noqa: S608 - SQL of ours
        f"rendered AS (SELECT ARRAY[{key}]::bigint[] AS key, {line} AS line "
        f"FROM page {select.joins}) "
        "SELECT convert_to(string_agg(line, '' ORDER BY key), 'UTF8'), count(*), max(key) "
        "FROM rendered"
    )
    from psycopg import Cursor  # embedded mode needs no driver of it

    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Binary: bytes come as they are, and not as their hexadecimal digits.
        cursor.execute(statement, select.parameters, binary=True)
        [(data, rows, last)] = cursor.fetchall()
    return (bytes(data), rows, tuple(last)) if rows else None


def _json_line(columns: Sequence[Column]) -> str:
    pieces = []
    for number, column in enumerate(columns):
        value = column.expression
        text = f"to_json(({value})::text)::text" if column.form == "text" else f"({value})::text"
        begin = ("," if number else "{") + json.dumps(column.name) + ":"
        pieces += [_literal(begin), f"coalesce({text}, 'null')"]
    return _concat([*pieces, _literal("}\n")])


def _csv_line(columns: Sequence[Column]) -> str:
    pieces: list[str] = []
    for number, column in enumerate(columns):
        value = f"({column.expression})::text"
        if column.form != "plain":
            value = "'\"' || replace(" + _safe(value) + ", '\"', '\"\"') || '\"'"
        pieces += [*(["','"] if number else []), value]
    return _concat([*pieces, _literal(LINE_END)])


def _concat(pieces: Sequence[str]) -> str:
    """What is null counts for nothing. A function has a hundred arguments at most."""
    groups = [pieces[start : start + 90] for start in range(0, len(pieces), 90)]
    return " || ".join(f"concat({', '.join(group)})" for group in groups)


def _safe(value: str) -> str:
    dangerous = DANGEROUS.replace("\0", "")  # no text of PostgreSQL's has it
    start = f"(?<![^{BEFORE_A_CELL}])"
    pattern = _literal(f"{start}(?=[{SKIPPED}]*[{dangerous}])")
    return f"regexp_replace({value}, {pattern}, '''', 'g')"


def _literal(text: str) -> str:
    """For text of ours alone. A %% is one % to the driver."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
