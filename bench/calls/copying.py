"""The other yardstick: COPY of the rows that calls leave, ready made, into tables like theirs.

The limit of what PostgreSQL takes in one transaction, without index or check.
"""

from __future__ import annotations

import time

import psycopg
from psycopg.sql import SQL, Identifier

TABLES = (
    "conversations_message",
    "conversations_messagetext",
    "conversations_journalentry",
    "assist_chunk",
)


def chunks_a_second(url: str) -> float:
    with psycopg.connect(url) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM assist_chunk")
        (count,) = cursor.fetchone() or (0,)
        ready = {}
        for table in TABLES:
            with cursor.copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copy:
                ready[table] = b"".join(bytes(block) for block in copy)
            # An ordinary table: a temporary one is not written ahead.
            cursor.execute(
                SQL("CREATE TABLE {} (LIKE {})").format(
                    Identifier(f"copy_{table}"), Identifier(table)
                )
            )
        connection.commit()
        began = time.monotonic()
        for table in TABLES:
            target = SQL("COPY {} FROM STDIN").format(Identifier(f"copy_{table}"))
            with cursor.copy(target) as copy:
                copy.write(ready[table])
        connection.commit()
        took = time.monotonic() - began
        for table in TABLES:
            cursor.execute(SQL("DROP TABLE {}").format(Identifier(f"copy_{table}")))
    return count / took
