"""One run of a regular work at a time: a lease in the database, taken by compare-and-set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from assist.models import Round

LEASE = timedelta(seconds=60)  # longer than a task may last
_REASON_AT_MOST = 200


def begin(name: str, *, owner: str, every: timedelta, now: datetime) -> Round | None:
    """The round, if nobody else runs it and it is time: three schedules make no more runs."""
    Round.objects.get_or_create(name=name)
    is_free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    is_time = Q(began_at__isnull=True) | Q(began_at__lte=now - every) | Q(began_at__gt=now)
    may_ask = Q(not_before__isnull=True) | Q(not_before__lte=now)
    won = Round.objects.filter(is_free, is_time, may_ask, name=name).update(
        owner=owner, lease_until=now + LEASE, began_at=now
    )
    return Round.objects.get(name=name) if won else None


def hold(name: str, *, owner: str, now: datetime) -> Round | None:
    """The round, locked until the transaction ends, if it is still the owner's; kept for longer."""
    held = Round.objects.select_for_update().filter(name=name, owner=owner, lease_until__gt=now)
    found = held.first()
    if found is not None:
        found.lease_until = now + LEASE
        found.save(update_fields=["lease_until"])
    return found


def put_off(name: str, *, owner: str, until: datetime, reason: str) -> None:
    """No run asks the platform anything before `until`."""
    Round.objects.filter(name=name, owner=owner).update(
        not_before=until, reason=reason[:_REASON_AT_MOST]
    )


def end(name: str, *, owner: str, now: datetime, done: int, reason: str = "") -> None:
    """Whoever has lost the lease says nothing any more."""
    Round.objects.filter(name=name, owner=owner).update(
        owner="", lease_until=None, finished_at=now, done=done, reason=reason[:_REASON_AT_MOST]
    )
