"""Rows as a parameter a value: the statements of databases other than PostgreSQL (SQLite)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models

# SQLite takes at most 32,766 parameters a statement.
_PARAMETERS = 30_000


def insertions(
    model: type[models.Model], has_keys: bool, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    """INSERT statements that return the keys in the order of the rows."""
    fields = [field for field in model._meta.concrete_fields if has_keys or not field.primary_key]
    columns = ", ".join(_quoted(field.column) for field in fields)
    head = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES"
    places = f"({', '.join(['%s'] * len(fields))})"
    at_once = max(1, _PARAMETERS // len(fields))
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        key = _quoted(model._meta.pk.column)
        yield (
            f"{head} {', '.join([places] * len(part))} RETURNING {key}",
            [
                field.get_db_prep_save(value, connection)
                for row in part
                for field, value in zip(fields, row, strict=True)
            ],
        )


def updates(
    model: type[models.Model],
    fields: tuple[str, ...],
    guards: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
) -> Iterator[tuple[str, list[Any]]]:
    """An UPDATE a row; each row is its key, the values of `fields`, and those of `guards`."""
    meta = model._meta
    columns: list[Any] = [meta.get_field(name) for name in fields]
    guarded: list[Any] = [meta.get_field(name) for name in guards]
    assignments = ", ".join(f"{_quoted(field.column)} = %s" for field in columns)
    conditions = "".join(f" AND {_quoted(field.column)} = %s" for field in guarded)
    table, key = _quoted(meta.db_table), _quoted(meta.pk.column)
    statement = f"UPDATE {table} SET {assignments} WHERE {key} = %s{conditions}"  # noqa: S608
    for pk, *values in rows:
        stored = [
            field.get_db_prep_save(value, connection)
            for field, value in zip([*columns, *guarded], values, strict=True)
        ]
        yield statement, [*stored[: len(columns)], pk, *stored[len(columns) :]]


def finder(model: type[models.Model], fields: tuple[str, str], condition: str, count: int) -> str:
    """The keys of the rows `t` that have one of `count` pairs in `fields`."""
    meta = model._meta
    places = ", ".join(["(%s, %s)"] * count)
    relation, _, far = fields[0].partition("__")
    near: Any = meta.get_field(relation)
    wanted: Any = meta.get_field(fields[1])
    second = f"t.{_quoted(wanted.column)}"
    join, first = "", f"t.{_quoted(near.column)}"
    if far:
        other = near.related_model._meta
        join = (
            f"JOIN {_quoted(other.db_table)} AS o "
            f"ON o.{_quoted(other.pk.column)} = t.{_quoted(near.column)} "
        )
        first = f"o.{_quoted(other.get_field(far).column)}"
    return (
        f"SELECT t.{_quoted(meta.pk.column)} FROM {_quoted(meta.db_table)} AS t {join}"  # noqa: S608
        f"WHERE ({first}, {second}) IN (VALUES {places}) AND {second} <> '' AND {condition}"
    )


def pairs(listed: Sequence[tuple[Any, str]]) -> list[Any]:
    return [value for pair in listed for value in pair]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
