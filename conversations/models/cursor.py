"""Runs one hot statement on this thread's connection with as little around it as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

_KEPT = "parley_cursor"


def rows_of(statement: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows that `statement` returns (SELECT, or anything with RETURNING).

    On PostgreSQL it goes to the driver directly: Django's wrappers cost as much as the statement.
    Errors are Django's all the same.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or database.queries_logged:
        with database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())
    database.ensure_connection()
    with database.wrap_database_errors:
        driver = _driver(database.connection)
        driver.execute(statement, parameters)
        return list(driver.fetchall())


def touched_by(statement: str, parameters: Sequence[Any]) -> int:
    """Run `statement`, which returns no rows; how many it touched."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or database.queries_logged:
        with database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return int(cursor.rowcount)
    database.ensure_connection()
    with database.wrap_database_errors:
        driver = _driver(database.connection)
        driver.execute(statement, parameters)
        return int(driver.rowcount)


def _driver(connection: Any) -> Any:
    return getattr(connection, _KEPT, None) or _cursor_of(connection)


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
