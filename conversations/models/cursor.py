"""Runs one statement on this thread's connection with as little around it as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

_KEPT = "parley_cursor"


def run(statement: str, parameters: Sequence[Any]) -> tuple[list[Any], int]:
    """The rows that `statement` returned, and how many it touched.

    On PostgreSQL it goes to the driver directly: Django's wrappers cost as much as the statement.
    Errors are Django's all the same.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or database.queries_logged:
        with database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount
    database.ensure_connection()
    with database.wrap_database_errors:
        connection = database.connection
        driver = getattr(connection, _KEPT, None) or _cursor_of(connection)
        driver.execute(statement, parameters)
        return (driver.fetchall() if driver.description else []), driver.rowcount


def _cursor_of(connection: Any) -> Any:
    """One cursor for the connection's life, with the driver's compiled reader of timestamps.

    Django's reader is Python (3 µs a value). Both give aware datetimes in UTC: Django sets its
    connections' time zone to that.
    """
    from psycopg.types.datetime import TimestamptzLoader

    cursor = connection.cursor()
    cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    setattr(connection, _KEPT, cursor)
    return cursor
