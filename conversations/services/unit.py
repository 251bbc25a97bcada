"""One transaction's worth of changes to conversations: locked, applied in order, journaled.

A change is a small object that knows how to apply itself; the drain hands changes to the group
commit, which applies what has gathered as one transaction (design.md: the journal writer).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from django.db import models, transaction
from django.utils import timezone

from conversations.crossing import LATER
from conversations.models import Conversation, Delivery, Message
from conversations.models.bulk import among, insert_rows, select_rows, update_rows
from conversations.services.journal import Ledger, lock_conversations

Shared = TypeVar("Shared")
Row = TypeVar("Row", bound=models.Model)


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


# What changes may write of a row, and what must still be as it was read (compare-and-set).
_WRITTEN: dict[type[models.Model], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Message: (("translation_state", "translation_reason"), ("translation_state",)),
    Delivery: (
        (
            "state",
            "reason",
            "external_id",
            "attempts",
            "sending_at",
            "confirmed_at",
            "confirmed_by",
            "echoed_at",
            "attributes_state",
        ),
        ("state", "attributes_state"),
    ),
}


class Unit:
    """`changes` are those whose conversations could be locked: all, unless `skip_busy`."""

    def __init__(
        self, changes: Sequence[Change], *, actor: str, now: datetime, skip_busy: bool = False
    ) -> None:
        self.now = now
        self.ledger = Ledger(actor=actor, now=now)
        ids = [change.conversation_id for change in changes]
        locked = lock_conversations("id", ids, skip_busy=skip_busy)
        self.conversations: dict[int, Conversation] = {row.pk: row for row in locked}
        self.changes = [one for one in changes if one.conversation_id in self.conversations]
        self._shared: dict[Callable[[Unit], Any], Any] = {}
        self._created: dict[type[models.Model], list[models.Model]] = defaultdict(list)
        self._as_read: dict[tuple[type[models.Model], int], dict[str, Any]] = {}
        self._changed: dict[type[models.Model], dict[int, models.Model]] = defaultdict(dict)
        self._when_inserted: list[Callable[[], Any]] = []
        self.messages: dict[int, Message] = {}
        self.deliveries: dict[int, Delivery] = {}  # by message key
        self._read({change.message_id for change in self.changes} - {None})

    def _read(self, message_ids: set[int | None]) -> None:
        if not message_ids:
            return
        needed = {change.message_id for change in self.changes if change.reads_message} - {None}
        if needed:
            for message in select_rows(Message, *among("id", needed)):
                self.messages[message.pk] = self.known(message)
        for delivery in select_rows(Delivery, *among("message_id", message_ids)):
            self.deliveries[delivery.message_id] = self.known(delivery)

    def known(self, row: Row) -> Row:
        """Remember `row` as it was read now: the guard of what is written to it later."""
        _, guards = _WRITTEN[type(row)]
        self._as_read[type(row), row.pk] = {name: getattr(row, name) for name in guards}
        return row

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

    def when_inserted(self, act: Callable[[], Any]) -> None:
        """Have `act` done once the created rows have their keys, before the conversations' own."""
        self._when_inserted.append(act)

    def changed(self, row: models.Model) -> None:
        """Have `row` written at the end, if by then it still is as it was read.

        A row that was created in this same transaction is written with its insert.
        """
        if row.pk is not None:
            self._changed[type(row)][row.pk] = row

    def flush(self) -> list[tuple[int, int]]:
        for created in self._created.values():
            insert_rows(created)
        for act in self._when_inserted:
            act()
        for model, changed in self._changed.items():
            rows = list(changed.values())
            guards = [self._as_read[model, row.pk] for row in rows]
            update_rows(rows, fields=_WRITTEN[model][0], where=guards)
        return self.ledger.flush()


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
