"""What a person decides about a delivery or a dead letter: who it was, its commit, its answer.

The decisions themselves stand in `review` and `dead_letters`; who may make them is asked at the
door (`conversations.access`), not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from conversations.models import JournalEntry
from conversations.services.unit import Change, apply_changes
from conversations.signals import journals_moved, work_arrived

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

AT_ONCE = 100  # changes a transaction: a worker must not wait long for a conversation's row
_ACTOR_LENGTH = JournalEntry._meta.get_field("actor").max_length
_PARTS = {"gateway": "the gateway", "worker": "a worker", "schedule": "the schedule"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one decision; `words` are for the person who made it and hold no text of a
    message."""

    is_done: bool
    words: str


def actor_of(user: AbstractBaseUser) -> str:
    """How the journal names a person: by the key that stays, and the name of that day."""
    return f"user:{user.pk}:{user.get_username()}"[:_ACTOR_LENGTH]


def name_of(actor: str) -> str:
    """An actor of the journal as a page says it."""
    if actor.startswith("user:"):
        return actor.split(":", 2)[2]
    return _PARTS.get(actor, actor.removeprefix("console:"))


def at_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def commit(changes: Sequence[Change], *, user: AbstractBaseUser) -> list[Outcome]:
    """Apply `changes`, each of which answers with its Outcome, as one transaction of `user`.

    After its commit workers are woken and live pages are told, as far as that can be done.
    """
    applied = apply_changes(changes, actor=actor_of(user))
    announce(applied.moved)
    return list(applied.results)


def announce(moved: list[tuple[int, int]]) -> None:
    """Once the transaction around this is committed."""
    if moved:
        transaction.on_commit(lambda: _announce_now(moved), robust=True)


def _announce_now(moved: list[tuple[int, int]]) -> None:
    work_arrived.send(sender=Outcome)
    journals_moved.send(sender=Outcome, moved=moved)
