"""Empties the tables between two transactional tests: fast, and past the append-only triggers.

Django truncates every table, which costs a file each; here the few that hold rows are deleted
from. Our triggers refuse that: they are set aside for the flush alone. What migrations wrote once
(groups and their permissions) is kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# Written by migrations, read by every test of access: a flush would take them for good.
KEPT = {"auth_group", "auth_group_permissions", "auth_permission", "django_content_type"}
_UNION = " UNION ALL "


def let_flush_pass_triggers(connection: BaseDatabaseWrapper) -> None:
    """For the backend's class: every thread and every event loop has a wrapper of its own."""
    operations: Any = type(connection.ops)
    plain_sql_flush = operations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        emptied = [table for table in tables if table not in KEPT]
        is_whole = options.get("reset_sequences", False)
        filled = emptied if is_whole else _filled(self.connection, emptied)
        before, after = _set_aside(self.connection, filled)
        if is_whole or self.connection.vendor == "sqlite":
            return [*before, *plain_sql_flush(self, style, filled, **options), *after]
        deletes = [f'DELETE FROM "{table}"' for table in filled]  # noqa: S608
        # Foreign keys are looked at by the end of the deletes, before the triggers come back.
        return [*before, *deletes, "SET CONSTRAINTS ALL IMMEDIATE", *after]

    operations.sql_flush = sql_flush


@contextlib.contextmanager
def triggers_set_aside(connection: BaseDatabaseWrapper, *tables: str) -> Iterator[None]:
    """As whoever owns the tables may do; they stand again after the block."""
    before, after = _set_aside(connection, tables)
    with connection.cursor() as cursor:
        for statement in before:
            cursor.execute(statement)
        try:
            yield
        finally:
            for statement in after:
                cursor.execute(statement)


def _filled(connection: BaseDatabaseWrapper, tables: Sequence[str]) -> list[str]:
    asked = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(_UNION.join(asked))
        return [table for (table,) in cursor.fetchall()]


def _set_aside(
    connection: BaseDatabaseWrapper, tables: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Statements that switch the triggers of these tables off, and on again."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            found = [row for row in cursor.fetchall() if row[1] in tables]
        return [f'DROP TRIGGER "{name}"' for name, _, _ in found], [sql for _, _, sql in found]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled = 'O' AND relname = ANY(%s)",
            [list(tables)],
        )
        rows = cursor.fetchall()
    return (
        [f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"' for name, table in rows],
        [f'ALTER TABLE "{table}" ENABLE TRIGGER "{name}"' for name, table in rows],
    )
