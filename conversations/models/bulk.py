"""Statements of the hot transactions, made once per model from its own metadata.

The ORM compiles a statement anew for every call, which costs more than running it; a message
passes some thirty of them. Names come from the models, values always go as parameters. On
PostgreSQL many rows travel as one JSON parameter: one text whatever their number, planned once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

from conversations.models import as_json
from conversations.models.cursor import rows_of, touched_by

Row = TypeVar("Row", bound=models.Model)

# SQLite takes at most 32,766 parameters a statement.
_PARAMETERS = 30_000


class StaleRow(RuntimeError):
    """A row was no longer as it was read: somebody else won (compare-and-set)."""


def select_rows(
    model: type[Row],
    where: str,
    parameters: Sequence[Any] = (),
    *,
    order: str = "id",
    limit: int | None = None,
    lock: bool = False,
    skip_locked: bool = False,
) -> list[Row]:
    """Rows of `model`; `where` and `order` are SQL of ours, with %s for values.

    `lock` takes their row locks in the order of their keys, where the database has such
    (PostgreSQL): two transactions that lock in one order cannot dead-lock.
    """
    statement = f"{_selection(model)} WHERE {where} ORDER BY {order}"
    if limit is not None:
        statement += f" LIMIT {int(limit)}"
    if (lock or skip_locked) and connection.features.has_select_for_update:
        statement += " FOR UPDATE SKIP LOCKED" if skip_locked else " FOR UPDATE"
    return _fetched(model, statement, parameters)


def take_rows(
    model: type[Row], changes: Mapping[str, Any], where: str, parameters: Sequence[Any]
) -> list[Row]:
    """Write `changes` to the rows of `where` that nobody else has locked now, and return them."""
    columns: list[Any] = [model._meta.get_field(name) for name in changes]
    assignments = ", ".join(f"{_quoted(field.column)} = %s" for field in columns)
    values = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(columns, changes.values(), strict=True)
    ]
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update else ""
    table, key = _quoted(model._meta.db_table), _key(model)
    free = f"SELECT {key} FROM {table} WHERE {where} ORDER BY {key}{lock}"  # noqa: S608
    statement = f"UPDATE {table} SET {assignments} WHERE {key} IN ({free}) RETURNING {_all(model)}"  # noqa: S608
    return _fetched(model, statement, [*values, *parameters])


def select_matching(
    model: type[Row],
    pairs: Mapping[tuple[str, str], Iterable[tuple[int, str]]],
    condition: str = "1 = 1",
) -> list[Row]:
    """Rows `t` that hold one of the given pairs in two fields and fulfil `condition` (our SQL).

    Each pair of fields has its index. `column = ANY(…) AND other = ANY(…)` would read all rows of
    `column` (measured: sixty for one that is found).
    """
    finders: list[str] = []
    values: list[Any] = []
    for fields, wanted in pairs.items():
        listed = list(wanted)
        if not listed:
            continue
        if connection.vendor == "postgresql":
            finders.append(as_json.finder(model, fields, condition))
            values.append(as_json.encoded(listed))
        else:
            finders.append(_finder(model, fields, condition, len(listed)))
            values += [value for pair in listed for value in pair]
    if not finders:
        return []
    return select_rows(model, f"{_key(model)} IN ({' UNION '.join(finders)})", values)


def _finder(model: type[Row], fields: tuple[str, str], condition: str, count: int) -> str:
    first, second = (f"t.{_quoted(model._meta.get_field(name).column)}" for name in fields)
    places = ", ".join(["(%s, %s)"] * count)
    return (
        f"SELECT t.{_key(model)} FROM {_quoted(model._meta.db_table)} AS t "  # noqa: S608
        f"WHERE ({first}, {second}) IN (VALUES {places}) AND {condition}"
    )


def _fetched(model: type[Row], statement: str, parameters: Sequence[Any]) -> list[Row]:
    alias = connection.alias
    names, converters = _reading(model, alias, connection.vendor)
    found = rows_of(statement, parameters)
    if converters:
        found = [_converted(values, converters) for values in found]
    return [_instance(model, alias, names, values) for values in found]


def _instance(model: type[Row], alias: str, names: Sequence[str], values: Sequence[Any]) -> Row:
    """What `Model.from_db` makes, without its signals and its look at each field (8 µs a row)."""
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    row._state = ModelState()
    row._state.adding = False
    row._state.db = alias
    return row


def among(column: str, values: Iterable[Any]) -> tuple[str, list[Any]]:
    """`column IN (…)` with its parameters; false where there are no values."""
    listed = list(values)
    if not listed:
        return "1 = 0", []
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [listed]  # one statement whatever the number: planned once
    return f"{column} IN ({', '.join(['%s'] * len(listed))})", listed


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model in one statement and give them their keys."""
    if not rows:
        return
    model = type(rows[0])
    values = [[getattr(row, name) for name in _names(model)] for row in rows]
    for row, key in zip(rows, insert_values(model, values), strict=True):
        row.pk = key
        row._state.adding = False
        row._state.db = connection.alias


def insert_values(model: type[models.Model], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Insert `rows`, each the values of all fields but the key in the model's order; their keys."""
    if not rows:
        return []
    if connection.vendor == "postgresql":
        return [key for (key,) in rows_of(as_json.insertion(model), [as_json.encoded(rows)])]
    fields, head, places = _writing(model)
    at_once = max(1, _PARAMETERS // len(fields))
    keys: list[Any] = []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        statement = f"{head} {', '.join([places] * len(part))} RETURNING {_key(model)}"
        parameters = [
            field.get_db_prep_save(value, connection)
            for row in part
            for field, value in zip(fields, row, strict=True)
        ]
        keys += [key for (key,) in rows_of(statement, parameters)]
    return keys


def update_rows(
    rows: Sequence[models.Model],
    *,
    fields: Sequence[str],
    where: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `fields` of `rows` (all of one model, each once); `where[i]` guards row i.

    Raises StaleRow unless every row was still as its guard says.
    """
    if not rows:
        return
    guards = list(where) or [{} for _ in rows]
    written = _update(type(rows[0]), rows, tuple(fields), tuple(guards[0]), guards)
    if written != len(rows):
        raise StaleRow(f"{len(rows) - written} rows of {rows[0]._meta.db_table} changed")


def _update(
    model: type[models.Model],
    rows: Sequence[models.Model],
    fields: tuple[str, ...],
    guarded: tuple[str, ...],
    guards: Sequence[Mapping[str, Any]],
) -> int:
    columns, conditions, statement = _updating(model, fields, guarded)
    if connection.vendor == "postgresql":
        names = [field.attname for field in columns]
        values = [
            [row.pk, *[getattr(row, name) for name in names], *guard.values()]
            for row, guard in zip(rows, guards, strict=True)
        ]
        return touched_by(as_json.update(model, fields, guarded), [as_json.encoded(values)])
    written = 0
    for row, guard in zip(rows, guards, strict=True):
        new = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in columns]
        old = [field.get_db_prep_save(guard[field.name], connection) for field in conditions]
        written += touched_by(statement, [*new, row.pk, *old])
    return written


def _converted(values: Sequence[Any], converters: Sequence[Any]) -> list[Any]:
    result = list(values)
    for index, convert, expression in converters:
        for one in convert:
            result[index] = one(result[index], expression, connection)
    return result


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


@lru_cache(maxsize=64)
def _key(model: type[models.Model]) -> str:
    return _quoted(model._meta.pk.column)


@lru_cache(maxsize=64)
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if not field.primary_key]


@lru_cache(maxsize=64)
def _all(model: type[models.Model]) -> str:
    return ", ".join(_quoted(field.column) for field in model._meta.concrete_fields)


@lru_cache(maxsize=64)
def _selection(model: type[models.Model]) -> str:
    return f"SELECT {_all(model)} FROM {_quoted(model._meta.db_table)}"  # noqa: S608


@lru_cache(maxsize=64)
def _reading(
    model: type[models.Model], alias: str, vendor: str
) -> tuple[list[str], list[tuple[int, list[Callable[..., Any]], Any]]]:
    """The fields' names, and what turns the database's values into Python's (SQLite needs it)."""
    fields = model._meta.concrete_fields
    converters = []
    field: Any
    for index, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        found = [
            *connection.ops.get_db_converters(column),
            *field.get_db_converters(connection),
        ]
        if found:
            converters.append((index, found, column))
    return [field.attname for field in fields], converters


@lru_cache(maxsize=64)
def _writing(model: type[models.Model]) -> tuple[list[Any], str, str]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(_quoted(field.column) for field in fields)
    head = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES"
    return fields, head, f"({', '.join(['%s'] * len(fields))})"


@lru_cache(maxsize=256)
def _updating(
    model: type[models.Model], names: tuple[str, ...], guards: tuple[str, ...]
) -> tuple[list[Any], list[Any], str]:
    meta = model._meta
    columns: list[Any] = [meta.get_field(name) for name in names]
    guarded: list[Any] = [meta.get_field(name) for name in guards]
    assignments = ", ".join(f"{_quoted(field.column)} = %s" for field in columns)
    conditions = "".join(f" AND {_quoted(field.column)} = %s" for field in guarded)
    table = _quoted(meta.db_table)
    statement = f"UPDATE {table} SET {assignments} WHERE {_key(model)} = %s{conditions}"  # noqa: S608
    return columns, guarded, statement
