"""Statements of the hot transactions, made once per model from its own metadata.

The ORM compiles a statement anew for every call, which costs more than running it; a message
passes some thirty of them. Names come from the models, values always go as parameters. On
PostgreSQL many rows travel as one JSON parameter: one text whatever their number, planned once.
Each function takes the trip that its statement joins, and answers when that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

from conversations.models import as_json, as_values
from conversations.models.trip import Answer, Rows, StaleRow, Trip

Row = TypeVar("Row", bound=models.Model)


def ask_rows(
    trip: Trip,
    model: type[Row],
    where: str,
    parameters: Sequence[Any] = (),
    *,
    order: str = "id",
    limit: int | None = None,
    lock: bool = False,
    skip_locked: bool = False,
) -> Answer[list[Row]]:
    """Rows of `model`; `where` and `order` are SQL of ours, with %s for values.

    `lock` takes their row locks in the order of their keys, where the database has such
    (PostgreSQL): two transactions that lock in one order cannot dead-lock.
    """
    statement = f"{_selection(model)} WHERE {where} ORDER BY {order}"
    if limit is not None:
        statement += f" LIMIT {int(limit)}"
    if (lock or skip_locked) and connection.features.has_select_for_update:
        statement += " FOR UPDATE SKIP LOCKED" if skip_locked else " FOR UPDATE"
    return trip.ask(statement, parameters, _reader(model))


def select_rows(
    model: type[Row], where: str, parameters: Sequence[Any] = (), **options: Any
) -> list[Row]:
    """`ask_rows` as a trip of its own."""
    trip = Trip()
    answer = ask_rows(trip, model, where, parameters, **options)
    trip.go()
    return answer.value


def ask_matching(
    trip: Trip,
    model: type[Row],
    pairs: Mapping[tuple[str, str], Iterable[tuple[Any, str]]],
    condition: str = "1 = 1",
) -> Answer[list[Row]]:
    """Rows `t` that hold one of the given pairs in two fields and fulfil `condition` (our SQL).

    The first field may be one of a related model ("conversation__external_id"). Each pair of
    fields needs its index: `a = ANY(…) AND b = ANY(…)` would read all rows of `a` (measured: sixty
    for one that is found).
    """
    layout = as_json if trip.vendor == "postgresql" else as_values
    finders: list[str] = []
    values: list[Any] = []
    for fields, wanted in pairs.items():
        if listed := list(wanted):
            finders.append(layout.finder(model, fields, condition, len(listed)))
            values += layout.pairs(listed)
    if not finders:
        finders = [f"SELECT {_key(model)} FROM {_table(model)} WHERE 1 = 0"]  # noqa: S608
    return ask_rows(trip, model, _among_keys(_key(model), " UNION ".join(finders)), values)


def take_rows(
    trip: Trip, model: type[Row], changes: Mapping[str, Any], where: str, parameters: Sequence[Any]
) -> Answer[list[Row]]:
    """Write `changes` to the rows of `where` that nobody else has locked now, and return them."""
    columns: list[Any] = [model._meta.get_field(name) for name in changes]
    assignments = ", ".join(f"{_quoted(field.column)} = %s" for field in columns)
    values = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(columns, changes.values(), strict=True)
    ]
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update else ""
    table, key = _table(model), _key(model)
    free = f"SELECT {key} FROM {table} WHERE {where} ORDER BY {key}{lock}"  # noqa: S608
    chosen = _among_keys(key, free)
    statement = f"UPDATE {table} SET {assignments} WHERE {chosen} RETURNING {_all(model)}"  # noqa: S608
    return trip.ask(statement, [*values, *parameters], _reader(model))


def _among_keys(key: str, selection: str) -> str:
    """Rows whose key is selected. PostgreSQL selects once, into an array: as a join it is free to
    select anew for each row, and its statistics may be of a table that was empty."""
    if connection.vendor == "postgresql":
        return f"{key} = ANY(ARRAY({selection}))"
    return f"{key} IN ({selection})"


def among(column: str, values: Iterable[Any]) -> tuple[str, list[Any]]:
    """`column IN (…)` with its parameters; false where there are no values."""
    listed = list(values)
    if not listed:
        return "1 = 0", []
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [listed]  # one statement whatever the number: planned once
    return f"{column} IN ({', '.join(['%s'] * len(listed))})", listed


class Keys:
    """Keys for new rows, drawn ahead where the database can: whoever refers to a row need not wait
    for its insert. Elsewhere the insert gives them, at once."""

    def __init__(self, trip: Trip, model: type[models.Model], count: int) -> None:
        self._drawn: Answer[list[int]] | None = None
        if count and trip.vendor == "postgresql":
            table = model._meta.db_table
            statement = f"SELECT nextval('{table}_id_seq') FROM generate_series(1, %s)"  # noqa: S608
            self._drawn = trip.ask(statement, [count], lambda rows, _: [key for (key,) in rows])

    def give(self, row: models.Model) -> None:
        """Its key, if keys were drawn."""
        if row.pk is None and self._drawn is not None:
            row.pk = self._drawn.value.pop(0)


def insert(trip: Trip, rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model; those without a key have it when the trip is over."""
    if not rows:
        return
    model = type(rows[0])
    has_keys = rows[0].pk is not None
    names = _names(model, has_keys)
    values = [[getattr(row, name) for name in names] for row in rows]

    def inserted(keys: Rows, _: int) -> None:
        for row, (key,) in zip(rows, keys, strict=True):
            row.pk = key
            row._state.adding = False
            row._state.db = connection.alias

    _insert(trip, model, values, has_keys, inserted)


def insert_values(trip: Trip, model: type[models.Model], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows`, each the values of all fields but the key in the model's order."""
    if rows:
        _insert(trip, model, rows, False, lambda keys, _: None)


def insert_rows(rows: Sequence[models.Model]) -> None:
    """`insert` as a trip of its own."""
    trip = Trip()
    insert(trip, rows)
    trip.go()


def _insert(
    trip: Trip,
    model: type[models.Model],
    rows: Sequence[Sequence[Any]],
    has_keys: bool,
    read: Callable[[Rows, int], None],
) -> None:
    if trip.vendor == "postgresql":
        trip.ask(as_json.insertion(model, has_keys), [as_json.encoded(rows)], read)
        return
    keys: Rows = []
    for statement, parameters in as_values.insertions(model, has_keys, rows):
        trip.ask(statement, parameters, lambda found, _: keys.extend(found))
    read(keys, len(keys))


def update(
    trip: Trip,
    rows: Sequence[models.Model],
    *,
    fields: Sequence[str],
    where: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `fields` of `rows` (all of one model, each once); `where[i]` guards row i.

    When the trip is over StaleRow is raised unless every row was still as its guard says.
    """
    if not rows:
        return
    model = type(rows[0])
    guards = list(where) or [{} for _ in rows]
    names = tuple(fields), tuple(guards[0])
    columns = [model._meta.get_field(name).attname for name in fields]  # type: ignore[union-attr]
    values = [
        [row.pk, *[getattr(row, name) for name in columns], *guard.values()]
        for row, guard in zip(rows, guards, strict=True)
    ]

    if trip.vendor == "postgresql":
        statement = as_json.update(model, *names)
        trip.ask(statement, [as_json.encoded(values), len(rows)], lambda *_: None)
        return
    written = 0
    for statement, parameters in as_values.updates(model, *names, values):
        written += trip.ask(statement, parameters, lambda _, touched: touched).value
    if written != len(rows):
        raise StaleRow(f"{len(rows) - written} rows of {model._meta.db_table} changed")


def update_rows(
    rows: Sequence[models.Model],
    *,
    fields: Sequence[str],
    where: Sequence[Mapping[str, Any]] = (),
) -> None:
    """`update` as a trip of its own."""
    trip = Trip()
    update(trip, rows, fields=fields, where=where)
    trip.go()


def _reader(model: type[Row]) -> Callable[[Rows, int], list[Row]]:
    alias = connection.alias
    names, converters = _reading(model, alias, connection.vendor)

    def read(found: Rows, _: int) -> list[Row]:
        if converters:
            return [_instance(model, alias, names, _converted(one, converters)) for one in found]
        return [_instance(model, alias, names, values) for values in found]

    return read


def _instance(model: type[Row], alias: str, names: Sequence[str], values: Sequence[Any]) -> Row:
    """What `Model.from_db` makes, without its signals and its look at each field (8 µs a row)."""
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    row._state = ModelState()
    row._state.adding = False
    row._state.db = alias
    return row


def _converted(values: Sequence[Any], converters: Sequence[Any]) -> list[Any]:
    result = list(values)
    for index, convert, expression in converters:
        for one in convert:
            result[index] = one(result[index], expression, connection)
    return result


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


@lru_cache(maxsize=64)
def _table(model: type[models.Model]) -> str:
    return _quoted(model._meta.db_table)


@lru_cache(maxsize=64)
def _key(model: type[models.Model]) -> str:
    return _quoted(model._meta.pk.column)


@lru_cache(maxsize=64)
def _names(model: type[models.Model], has_key: bool) -> list[str]:
    fields = model._meta.concrete_fields
    return [field.attname for field in fields if has_key or not field.primary_key]


@lru_cache(maxsize=64)
def _all(model: type[models.Model]) -> str:
    return ", ".join(_quoted(field.column) for field in model._meta.concrete_fields)


@lru_cache(maxsize=64)
def _selection(model: type[models.Model]) -> str:
    return f"SELECT {_all(model)} FROM {_table(model)}"  # noqa: S608


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
