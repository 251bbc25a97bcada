"""One transaction's worth of changes to conversations: locked, applied in order, journaled.

A change is a small object that knows how to apply itself; the drain hands changes to the group
commit, which applies what has gathered as one transaction (design.md: the journal writer).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar, cast

from django.db import models, transaction
from django.utils import timezone

from conversations.crossing import LATER
from conversations.models import Conversation, Delivery, Message
from conversations.models.bulk import Keys, among, ask_rows, insert, insert_rows, update
from conversations.models.trip import Answer, Trip
from conversations.services.journal import Ledger

Shared = TypeVar("Shared")
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Plain:
    """A change that needs its delivery alone."""

    reads_message: ClassVar[bool] = False
    shared: ClassVar[Sequence[Reader[Any]]] = ()
    draws: ClassVar[Sequence[type[models.Model]]] = ()


class LeaseLost(RuntimeError):
    """Another worker holds the conversation now: this one must not write (reliability C14)."""


class Change(Protocol):
    """What a worker wants to be durable; `apply` returns what its caller awaits.

    `reads_message`: its message's row is needed; `shared`: what else is read for all changes
    together; `draws`: rows it creates whose keys are needed before they are inserted.
    """

    @property
    def conversation_id(self) -> int: ...
    @property
    def message_id(self) -> int | None: ...
    @property
    def owner(self) -> str: ...
    @property
    def reads_message(self) -> bool: ...
    @property
    def shared(self) -> Sequence[Reader[Any]]: ...
    @property
    def draws(self) -> Sequence[type[models.Model]]: ...
    def apply(self, unit: Unit) -> Any: ...


# Asks, for all changes of a transaction at once; its answer comes with the same trip.
Reader = Callable[[Sequence["Change"], Trip], Answer[Shared]]

# What changes may write of a row, and what must still be as it was read (compare-and-set).
_WRITTEN: dict[type[models.Model], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Message: (
        ("translation_state", "translation_reason", "translation_attempts", "decided_at"),
        ("translation_state",),
    ),
    Delivery: (
        (
            "state",
            "reason",
            "external_id",
            "attempts",
            "sending_at",
            "earlier_sending_at",
            "confirmed_at",
            "confirmed_by",
            "echoed_at",
            "attributes_state",
            "duplicates",
            "echo_key",
            "part_chars",
            "part_from",
            "attempts_before",
        ),
        ("state", "attributes_state", "part_from"),
    ),
}


class Unit:
    """`changes` are those whose conversations could be locked: all, unless `skip_busy`.

    Two trips to the database: one locks and reads, one writes.
    """

    def __init__(
        self, changes: Sequence[Change], *, actor: str, now: datetime, skip_busy: bool = False
    ) -> None:
        self.now = now
        self.ledger = Ledger(actor=actor, now=now)
        self.changes = changes
        self.conversations: dict[int, Conversation] = {}
        self.messages: dict[int, Message] = {}
        self.deliveries: dict[int, Delivery] = {}  # by message key
        self.written: dict[int, models.Model] = {}  # the last audit of each conversation, made here
        self._shared: dict[Reader[Any], Any] = {}
        self._created: dict[type[models.Model], list[models.Model]] = defaultdict(list)
        self._keys: dict[type[models.Model], Keys] = {}
        self._when_inserted: list[Callable[[], Any]] = []
        self._as_read: dict[tuple[type[models.Model], int], dict[str, Any]] = {}
        self._changed: dict[type[models.Model], dict[int, models.Model]] = defaultdict(dict)
        wanted = list(dict.fromkeys(change.conversation_id for change in changes))
        self._read(wanted, skip_busy=skip_busy and len(wanted) > 1)
        if skip_busy and not self.conversations:
            # At least one must come forward: the oldest change waits for its conversation.
            self._read([changes[0].conversation_id], skip_busy=False)

    def _read(self, conversation_ids: Sequence[int], *, skip_busy: bool) -> None:
        """Rows are locked in the order of their keys; `skip_busy` leaves out those that another
        process changes now, so that one conversation does not hold up the others."""
        trip = Trip()
        among_these = among("id", conversation_ids)
        locked = ask_rows(trip, Conversation, *among_these, lock=True, skip_locked=skip_busy)
        reads = {change.message_id for change in self.changes if change.reads_message} - {None}
        keys = {change.message_id for change in self.changes} - {None}
        messages = ask_rows(trip, Message, *among("id", reads)) if reads else None
        deliveries = ask_rows(trip, Delivery, *among("message_id", keys)) if keys else None
        readers = dict.fromkeys(read for change in self.changes for read in change.shared)
        shared = {read: read(self.changes, trip) for read in readers}
        for model in {model for change in self.changes for model in change.draws}:
            count = sum(model in change.draws for change in self.changes)
            self._keys[model] = Keys(trip, model, count)
        trip.go()
        self.conversations = {row.pk: row for row in locked.value}
        self.messages = {row.pk: self.known(row) for row in (messages.value if messages else ())}
        self.deliveries = {
            row.message_id: self.known(row)
            for row in (deliveries.value if deliveries else ())
            if row.message_id is not None
        }
        self._shared = {read: answer.value for read, answer in shared.items()}

    def known(self, row: Row) -> Row:
        """Remember `row` as it was read now: the guard of what is written to it later."""
        _, guards = _WRITTEN[type(row)]
        self._as_read.setdefault((type(row), row.pk), {name: getattr(row, name) for name in guards})
        return row

    def conversation(self, change: Change) -> Conversation:
        """The locked conversation of `change`; raises LeaseLost when it is not the owner's."""
        conversation = self.conversations[change.conversation_id]
        if change.owner and conversation.lease_owner != change.owner:
            raise LeaseLost(conversation.external_id)
        return conversation

    def shared(self, read: Reader[Shared]) -> Shared:
        """What `read` found for the whole unit; a change names its readers in `shared`."""
        return cast("Shared", self._shared[read])

    def create(self, row: models.Model) -> None:
        if type(row) in self._keys:
            self._keys[type(row)].give(row)
        self._created[type(row)].append(row)

    def create_now(self, row: models.Model) -> None:
        """Give a row its key at once: another one of this transaction has to refer to it."""
        if row.pk is None:
            self._created[type(row)].remove(row)
            insert_rows([row])

    def when_inserted(self, act: Callable[[], Any]) -> None:
        """Have `act` done once the created rows have their keys (those of `draws` have), before
        the conversations' own are written."""
        self._when_inserted.append(act)

    def changed(self, row: models.Model) -> None:
        """Have `row` written at the end, if by then it still is as it was read.

        A row that was created in this same transaction is written with its insert.
        """
        if row.pk is not None:
            self._changed[type(row)][row.pk] = row

    def flush(self) -> list[tuple[int, int]]:
        trip = Trip()
        for created in self._created.values():
            insert(trip, created)
        for act in self._when_inserted:
            act()
        for model, changed in self._changed.items():
            rows = list(changed.values())
            guards = [self._as_read[model, row.pk] for row in rows]
            update(trip, rows, fields=_WRITTEN[model][0], where=guards)
        moved = self.ledger.write(trip)
        trip.end()
        return moved


@dataclass(frozen=True, slots=True)
class Applied:
    results: list[Any]
    moved: list[tuple[int, int]]


def apply_changes(changes: Sequence[Change], *, actor: str, skip_busy: bool = False) -> Applied:
    """Apply `changes` as one transaction. A change that lost its lease yields LeaseLost alone.

    With `skip_busy` those of a conversation that another process changes now yield LATER.
    """
    with transaction.atomic():
        unit = Unit(changes, actor=actor, now=timezone.now(), skip_busy=skip_busy)
        results: list[Any] = []
        for change in changes:
            if skip_busy and change.conversation_id not in unit.conversations:
                results.append(LATER)
                continue
            try:
                results.append(change.apply(unit))
            except LeaseLost as lost:
                results.append(lost)
        return Applied(results, unit.flush())
