"""Pages that PostgreSQL renders itself: one value a page, the bytes that Python would have made.

A source that can be read so names its columns as SQL (`Column`) and its rows (`Select`). Elsewhere,
and for sources that cannot, `rendering` makes the same bytes of the same rows
(tests/conversations/exports/test_rendering.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from django.db import connection, transaction

from conversations.exports import jsonl
from conversations.exports.base import Position, Scope
from conversations.exports.spreadsheet import BEFORE_A_CELL, DANGEROUS, LINE_END, SKIPPED

# As many as one value may hold without weighing on server or worker: about 0.7 MB.
SIZE = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """`expression` gives `text`; or `ours`, text that nobody else chose and no formula can be; or
    what goes into the line as it is, `plain` (a number, true, false) or `json`, which CSV quotes.
    Null where nothing is known."""

    name: str
    expression: str
    form: Literal["text", "ours", "plain", "json"] = "text"


@dataclass(frozen=True, slots=True)
class Select:
    """Which rows: those of `table` that `where` names (as `one`, beside the `head` of their
    conversation), keyed by conversation and seq; `joins` is what the columns need beside `page`."""

    table: str
    where: Sequence[str]
    parameters: Sequence[Any]
    joins: str


class InDatabase(Protocol):
    sql_columns: Sequence[Column]

    def select(self, scope: Scope) -> Select: ...


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
    select = source.select(scope)
    while True:
        rows, last = _end_of_page(select, scope, after=after, size=size)
        if last is None:
            return
        data = _rendered(select, scope, file_format, chosen, after=after, last=last)
        yield Rendered(jsonl.one_line_each(data) if file_format == "jsonl" else data, rows, last)
        after = last
        if rows < size:
            return


def _end_of_page(
    select: Select, scope: Scope, *, after: Position | None, size: int
) -> tuple[int, Position | None]:
    """Its rows and the key of its last. Along the index, whatever the planner believes about a
    table that has just been filled: sorting all that is left, page by page, would be quadratic."""
    rows, parameters = _rows(select, scope, after=after)
    statement = (
        "SELECT count(*), max(key) FROM ("  # noqa: S608 - SQL of ours
        f"SELECT ARRAY[one.conversation_id, one.seq]::bigint[] AS key {rows} "
        f"ORDER BY one.conversation_id, one.seq LIMIT {int(size)}) keys"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(statement, parameters)
        count, last = cursor.fetchone()
        cursor.execute("SET LOCAL enable_sort = on")
    return count, tuple(last) if last else None


def _rendered(
    select: Select,
    scope: Scope,
    file_format: str,
    columns: Sequence[Column],
    *,
    after: Position | None,
    last: Position,
) -> bytes:
    from psycopg import Cursor  # embedded mode needs no driver of it

    rows, parameters = _rows(select, scope, after=after, last=last)
    line, offset = "row_to_json(line)::text || E'\\n'", ""
    if file_format == "csv":  # mentions a value several times, and OFFSET has it made once
        line, offset = _csv_line(columns), "OFFSET 0"
    statement = (
        f"WITH page AS MATERIALIZED (SELECT one.* {rows}) "  # noqa: S608
        f"SELECT convert_to(string_agg({line}, '' ORDER BY page.conversation_id, page.seq), "
        f"'UTF8') FROM page {select.joins} "
        f"CROSS JOIN LATERAL (SELECT {_values(columns)} {offset}) line"
    )
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Binary: bytes come as they are, and not as their hexadecimal digits.
        cursor.execute(statement, parameters, binary=True)
        [(data,)] = cursor.fetchall()
    return bytes(data)


def _rows(
    select: Select, scope: Scope, *, after: Position | None, last: Position | None = None
) -> tuple[str, list[Any]]:
    """FROM and WHERE: within the heads of the export, behind `after`, up to `last`."""
    where = ["head.export_id = %s", *select.where]
    parameters = [scope.export, *select.parameters]
    for sign, edge in ((">", after), ("<=", last)):
        if edge is not None:
            where += [
                f"(one.conversation_id, one.seq) {sign} (%s, %s)",
                f"head.conversation_id {sign[0]}= %s",
            ]
            parameters += [*edge, edge[0]]
    return (
        "FROM conversations_exporthead head "
        f"JOIN {select.table} one ON one.conversation_id = head.conversation_id "
        f"AND one.seq <= head.seq WHERE {' AND '.join(where)}"
    ), parameters


def _values(columns: Sequence[Column]) -> str:
    return ", ".join(
        f"({one.expression}){'::json' if one.form == 'json' else ''} AS {one.name}"
        for one in columns
    )


def _csv_line(columns: Sequence[Column]) -> str:
    pieces: list[str] = []
    for number, column in enumerate(columns):
        value = f"line.{column.name}::text"
        if column.form in ("text", "json"):
            value = f"'\"' || replace({_safe(value)}, '\"', '\"\"') || '\"'"
        elif column.form == "ours":
            value = f"'\"' || {value} || '\"'"
        pieces += [*(["','"] if number else []), value]
    return _concat([*pieces, _literal(LINE_END)])


def _concat(pieces: Sequence[str]) -> str:
    """What is null counts for nothing. A function has a hundred arguments at most."""
    groups = [pieces[start : start + 90] for start in range(0, len(pieces), 90)]
    return " || ".join(f"concat({', '.join(group)})" for group in groups)


def _safe(value: str) -> str:
    """`spreadsheet.safe_text`; a quick look first spares most texts the slow one."""
    dangerous = DANGEROUS.replace("\0", "")  # no text of PostgreSQL's has it
    formula = f"[{SKIPPED}]*[{dangerous}]"
    suspicious = _literal(f"^{formula}|[{BEFORE_A_CELL}]")
    pattern = _literal(f"(?<![^{BEFORE_A_CELL}])(?={formula})")
    return (
        f"CASE WHEN {value} ~ {suspicious} "
        f"THEN regexp_replace({value}, {pattern}, '''', 'g') ELSE {value} END"
    )


def _literal(text: str) -> str:
    """For text of ours alone. A %% is one % to the driver."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
