"""Leases of conversations: one worker holds each, and only it writes (reliability C14).

A worker keeps a conversation that has nothing left for a while, so that its next message needs no
new claim; what it keeps idle it gives back, and what it holds when it dies ends by itself: at once
where another process on the same machine sees that it is gone, else when its time is over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from conversations.models import Conversation
from conversations.models.bulk import among, select_rows, take_rows, update_rows
from conversations.models.trip import Answer, Trip
from conversations.processes import dead_among
from conversations.services.unit import Plain, Unit

LEASE_S = 15.0  # at least twice the limit of a request (reliability C14)

_AT = Conversation._meta.get_field("lease_until")


def stored(moment: datetime) -> Any:
    """`moment` as this database compares it."""
    return _AT.get_db_prep_value(moment, connection)


def claim(
    trip: Trip, ids: Collection[int], *, owner: str, now: datetime
) -> Answer[list[Conversation]]:
    """Take what is still free; a row that another transaction holds now is left for later."""
    in_these, keys = among("id", ids)
    where = f"{in_these} AND (lease_until IS NULL OR lease_until < %s OR lease_owner = %s)"
    lease = {"lease_owner": owner, "lease_until": now + timedelta(seconds=LEASE_S)}
    return take_rows(trip, Conversation, lease, where, [*keys, stored(now), owner])


def renew(ids: Collection[int], *, owner: str, now: datetime) -> set[int]:
    """Prolong what is still the owner's; returns those."""
    return _set(ids, owner=owner, new_owner=owner, until=now + timedelta(seconds=LEASE_S))


def release(ids: Collection[int], *, owner: str) -> None:
    """Give conversations back that have nothing in hand; whoever looks first may have them."""
    _set(ids, owner=owner, new_owner="", until=None)


def end_leases_of_the_dead(*, owner: str, now: datetime) -> int:
    """End the leases of processes that are certainly gone, where work is due; how many there were.

    The owner's name stays: whoever claims the conversation must know that somebody died with it.
    Safe at any moment, even with a request of the dead still on its way: what it had written down
    as `sending` is unknown, as it is when the lease runs out by itself.
    """
    held = Conversation.objects.filter(work_at__lte=now, lease_until__gte=now)
    others = held.exclude(lease_owner=owner).order_by()
    dead = dead_among(others.values_list("lease_owner", flat=True).distinct())
    if not dead:
        return 0
    with transaction.atomic():
        theirs = others.filter(lease_owner__in=dead).select_for_update(skip_locked=True)
        rows = list(theirs.order_by("pk"))
        for row in rows:
            row.lease_until = now - timedelta(milliseconds=1)
        update_rows(rows, fields=("lease_until",))
    return len(rows)


def _set(ids: Collection[int], *, owner: str, new_owner: str, until: datetime | None) -> set[int]:
    """Rows are locked in the order of their keys, as everywhere: no dead-lock."""
    if not ids:
        return set()
    with transaction.atomic():
        in_these, keys = among("id", ids)
        where = f"{in_these} AND lease_owner = %s"
        rows = select_rows(Conversation, where, [*keys, owner], lock=True)
        for row in rows:
            row.lease_owner, row.lease_until = new_owner, until
        update_rows(rows, fields=("lease_owner", "lease_until"))
    return {row.pk for row in rows}


@dataclass(frozen=True, slots=True)
class Rest(Plain):
    """Nothing is left to do; refused (False) when work came after `seen_work_at`.

    `keep`: the lease stays, for what comes next.
    """

    conversation_id: int
    owner: str
    seen_work_at: datetime | None
    keep: bool = True
    message_id: None = None

    def apply(self, unit: Unit) -> bool:
        conversation = unit.conversation(self)
        if conversation.work_at != self.seen_work_at:
            return False
        conversation.work_at = None
        if not self.keep:
            conversation.lease_owner, conversation.lease_until = "", None
        unit.ledger.touch(conversation)
        return True


@dataclass(frozen=True, slots=True)
class Release(Plain):
    """Give the conversation back with work that is due at `again_at`."""

    conversation_id: int
    owner: str
    again_at: datetime
    message_id: None = None

    def apply(self, unit: Unit) -> None:
        conversation = unit.conversation(self)
        conversation.work_at = self.again_at
        conversation.lease_owner = ""
        conversation.lease_until = None
        unit.ledger.touch(conversation)
