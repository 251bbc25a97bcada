"""The yardstick: COPY … TO STDOUT of the rows that an export has, by the server alone.

`query` runs the export's own joins as one statement; `table` copies the rows when they already
stand ready in one table, which no deployment has: the limit of the machine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg

from conversations.exports.transcripts_sql import COLUMNS, joins

_READY = "bench_ready_rows"


def rows_a_second(url: str, *, messages: int) -> Mapping[str, float]:
    columns = ", ".join(f"({one.expression}) AS {one.name}" for one in COLUMNS).replace("%%", "%")
    page = "(SELECT * FROM conversations_message WHERE origin <> 'injected') page"
    order = "ORDER BY page.conversation_id, page.seq"
    query = f"SELECT {columns} FROM {page} {joins()} {order}"  # noqa: S608
    with psycopg.connect(url, autocommit=True) as connection:
        # As a client of its own would: none of the settings that a chat needs.
        found = {
            "query": _timed(connection, f"COPY ({query}) TO STDOUT (FORMAT csv)", messages),
            "query_json": _timed(connection, _as_json(f"({query})"), messages),
        }
        connection.execute(f"CREATE TABLE {_READY} AS {query}")
        copy = f"COPY {_READY} TO STDOUT (FORMAT csv)"
        found["table"] = _timed(connection, copy, messages)
        found["table_json"] = _timed(connection, _as_json(_READY), messages)
        connection.execute(f"DROP TABLE {_READY}")
    return found


def _as_json(rows: str) -> str:
    return f"COPY (SELECT row_to_json(r) FROM {rows} r) TO STDOUT"  # noqa: S608


def _timed(connection: psycopg.Connection, statement: str, messages: int) -> float:
    began = time.monotonic()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for _ in copy:
            pass
    return messages / (time.monotonic() - began)
