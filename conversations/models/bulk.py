"""Updates many rows in one round trip, each guarded by the state it was read in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


class StaleRow(RuntimeError):
    """A row was no longer as it was read: somebody else won (compare-and-set)."""


def update_rows(
    rows: Sequence[models.Model],
    *,
    fields: Sequence[str],
    where: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `fields` of `rows` (all of one model); `where[i]` guards row i besides its key.

    Raises StaleRow unless every row was still as its guard says.
    """
    if not rows:
        return
    meta = rows[0]._meta
    guards = list(where) or [{} for _ in rows]
    columns = [meta.get_field(name) for name in fields]
    guarded = [meta.get_field(name) for name in guards[0]]
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in columns)
    conditions = "".join(f" AND {quote(field.column)} = %s" for field in guarded)
    key = quote(meta.pk.column)
    # Names come from the models' own metadata, values go as parameters.
    statement = f"UPDATE {quote(meta.db_table)} SET {assignments} WHERE {key} = %s{conditions}"  # noqa: S608
    parameters = [
        (
            *(field.get_db_prep_save(getattr(row, field.attname), connection) for field in columns),
            row.pk,
            *(field.get_db_prep_save(guard[field.name], connection) for field in guarded),
        )
        for row, guard in zip(rows, guards, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, parameters)
        if cursor.rowcount != len(rows):
            raise StaleRow(f"{len(rows) - cursor.rowcount} rows of {meta.db_table} had changed")
