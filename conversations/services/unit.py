"""One transaction's worth of changes to conversations: locked, applied in order, journaled.

A change is a small object that knows how to apply itself; the drain hands changes to the group
commit, which applies what has gathered as one transaction (design.md: the journal writer).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from django.db import models, transaction
from django.utils import timezone

from conversations.models import Conversation, Delivery, Message
from conversations.models.bulk import among, insert_rows, select_rows, update_rows
from conversations.services.journal import Ledger, lock_conversations

Shared = TypeVar("Shared")


class LeaseLost(RuntimeError):
    """Another worker holds the conversation now: this one must not write (reliability C14)."""


class Change(Protocol):
    """What a worker wants to be durable; `apply` returns what its caller awaits."""

    @property
    def conversation_id(self) -> int: ...
    @property
    def message_id(self) -> int | None: ...
    @property
    def owner(self) -> str: ...
    @property
    def reads_message(self) -> bool: ...
    def apply(self, unit: Unit) -> Any: ...


@dataclass(slots=True)
class _Update:
    rows: list[models.Model]
    guards: list[Mapping[str, Any]]


class Unit:
    def __init__(self, changes: Sequence[Change], *, actor: str, now: datetime) -> None:
        self.now = now
        self.changes = changes
        self.ledger = Ledger(actor=actor, now=now)
        self.conversations: dict[int, Conversation] = lock_conversations(
            change.conversation_id for change in changes
        )
        keys = {change.message_id for change in changes if change.message_id is not None}
        self.messages: dict[int, Message] = {}
        self.deliveries: dict[int, Delivery] = {}  # by message key
        if keys:
            messages = {change.message_id for change in changes if change.reads_message}
            self.messages = {
                row.pk: row for row in select_rows(Message, *among("id", messages - {None}))
            }
            self.deliveries = {
                row.message_id: row for row in select_rows(Delivery, *among("message_id", keys))
            }
        self._shared: dict[Callable[[Unit], Any], Any] = {}
        self._created: dict[type[models.Model], list[models.Model]] = defaultdict(list)
        self._updated: dict[tuple[type[models.Model], tuple[str, ...]], _Update] = {}

    def conversation(self, change: Change) -> Conversation:
        """The locked conversation of `change`; raises LeaseLost when it is not the owner's."""
        conversation = self.conversations[change.conversation_id]
        if change.owner and conversation.lease_owner != change.owner:
            raise LeaseLost(conversation.external_id)
        return conversation

    def shared(self, read: Callable[[Unit], Shared]) -> Shared:
        """What `read` finds for the whole unit, read once however many changes ask."""
        if read not in self._shared:
            self._shared[read] = read(self)
        return cast("Shared", self._shared[read])

    def create(self, row: models.Model) -> None:
        self._created[type(row)].append(row)

    def create_now(self, row: models.Model) -> None:
        """Insert a row that was left for the end: another one has to refer to it."""
        if row.pk is None:
            self._created[type(row)].remove(row)
            insert_rows([row])

    def update(self, row: models.Model, *fields: str, where: Mapping[str, Any]) -> None:
        """Write `fields` of `row` at the end; the same row once per set of fields.

        A row that was created in this same transaction is written with its insert.
        """
        if row.pk is None:
            return
        # Two updates of one row, in this order: the second guard sees the first one's result.
        group = self._updated.setdefault((type(row), fields), _Update([], []))
        group.rows.append(row)
        group.guards.append(where)

    def flush(self) -> list[tuple[int, int]]:
        for rows in self._created.values():
            insert_rows(rows)
        for (_, fields), update in self._updated.items():
            update_rows(update.rows, fields=fields, where=update.guards)
        return self.ledger.flush()


@dataclass(frozen=True, slots=True)
class Applied:
    results: list[Any]
    moved: list[tuple[int, int]]


def apply_changes(changes: Sequence[Change], *, actor: str) -> Applied:
    """Apply `changes` as one transaction. A change that lost its lease yields LeaseLost alone."""
    with transaction.atomic():
        unit = Unit(changes, actor=actor, now=timezone.now())
        results: list[Any] = []
        for change in changes:
            try:
                results.append(change.apply(unit))
            except LeaseLost as lost:
                results.append(lost)
        return Applied(results, unit.flush())
