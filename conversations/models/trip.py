"""Statements of one transaction that go to the database together and are answered together.

    trip = Trip()
    rows = trip.ask(statement, parameters, read)   # an Answer, empty until…
    trip.go()                                      # …here
    rows.value

On PostgreSQL that is one round trip (wire.py). Elsewhere, and where Django logs its queries, each
statement runs as it is handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

Value = TypeVar("Value")
Other = TypeVar("Other")
Rows = list[tuple[Any, ...]]


class StaleRow(RuntimeError):
    """A row was no longer as it was read: somebody else won (compare-and-set)."""


class Answer(Generic[Value]):
    """What a statement brings, once its trip is over."""

    __slots__ = ("_next", "_read", "_value")

    def __init__(self, read: Callable[[Rows, int], Value]) -> None:
        self._read = read
        self._next: list[Answer[Any]] = []

    def arrived(self, rows: Rows, touched: int) -> None:
        self._value = self._read(rows, touched)
        for made in self._next:
            made.arrived([], 0)

    @property
    def value(self) -> Value:
        return self._value

    def then(self, change: Callable[[Value], Other]) -> Answer[Other]:
        """An answer made of this one when it comes."""
        made: Answer[Other] = Answer(lambda *_: change(self._value))
        if hasattr(self, "_value"):
            made.arrived([], 0)
        else:
            self._next.append(made)
        return made


class Trip:
    def __init__(self) -> None:
        self._database = connections[DEFAULT_DB_ALIAS]
        self._travels = self._database.vendor == "postgresql" and not self._database.queries_logged
        self._statements: list[tuple[str, Sequence[Any]]] = []
        self._answers: list[Answer[Any]] = []

    @property
    def vendor(self) -> str:
        return self._database.vendor

    def ask(
        self, statement: str, parameters: Sequence[Any], read: Callable[[Rows, int], Value]
    ) -> Answer[Value]:
        """`read` is given the rows, and how many the statement touched."""
        answer = Answer(read)
        if self._travels:
            self._statements.append((statement, parameters))
            self._answers.append(answer)
        else:
            with self._database.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = list(cursor.fetchall()) if cursor.description else []
                answer.arrived(rows, cursor.rowcount)
        return answer

    def end(self) -> None:
        """`go`, and with it the COMMIT of the transaction at hand, where that is the outermost.

        Django's own, at the end of its `atomic`, then finds nothing left to do.
        """
        database = self._database
        is_outermost = len(database.atomic_blocks) == 1 and database.commit_on_exit
        if self._statements and is_outermost:
            self._statements.append(("COMMIT", []))
            self._answers.append(Answer(lambda *_: None))
        self.go()

    def go(self) -> None:
        """Errors are Django's."""
        if not self._statements:
            return
        # Only with PostgreSQL: embedded mode needs no driver of it.
        from psycopg.errors import DivisionByZero

        from conversations.models.wire import wire_of

        statements, answers = self._statements, self._answers
        self._statements, self._answers = [], []
        with self._database.wrap_database_errors:
            try:
                found = wire_of(self._database).trip(statements)
            except DivisionByZero:  # nothing of ours divides but the guard of an update
                raise StaleRow("a row was no longer as it was read") from None
        for answer, (rows, touched) in zip(answers, found, strict=True):
            answer.arrived(rows, touched)
