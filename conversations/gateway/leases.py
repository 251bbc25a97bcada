"""Leases of streams: gateways share them out, one holds each. For the database thread.

A row stands for a stream that somebody wants or wanted lately. Taking is a compare-and-set, so it
does not matter how many gateways look at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from conversations.models import StreamState
from conversations.models.bulk import update_rows
from conversations.processes import dead_among

# Short: while nobody holds the stream, no absence can be believed (protocol §1, Injecting).
LEASE_S = 6.0
OVERLAP = timedelta(seconds=60)  # before the last frame (protocol §1, TRAP)
TIDY_AFTER_S = 60.0  # a row that nobody wanted for so long goes
NO_ROOM = "every gateway is at its limit, this one waits for room"
_NO_ROOM_AFTER_S = 5.0
_COUNTS = ("frames", "malformed", "ignored")


@dataclass(frozen=True, slots=True)
class Progress:
    """What a gateway has seen of its stream since it last said so."""

    state: str
    attempts: int
    reason: str
    frames: int
    malformed: int
    ignored: int
    last_frame_at: datetime | None
    backfilled_at: datetime | None
    connected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The keys that are ours now, and how many wanted ones nobody has."""

    keys: list[str]
    left: int


def take(
    kind: str,
    keys: Sequence[str],
    *,
    owner: str,
    most: int = 1,
    lease_s: float = LEASE_S,
    in_all: int | None = None,
) -> Taken:
    """Take up to `most` streams of `keys` that nobody has; whoever takes one counts its epoch up.

    `in_all`: so many of this kind may be held at once, by all gateways together.
    """
    if not keys:
        return Taken([], 0)
    now = timezone.now()
    rows = _rows(kind, keys)
    with transaction.atomic() if in_all is not None else nullcontext():
        if in_all is not None:
            most = min(most, in_all - _held_now(kind, now))
        owners = {owner, *dead_among(row.owner for row in rows.values())}
        free = [key for key in keys if _is_free(rows[key], owners=owners, now=now)]
        won = [
            key
            for key in free[: max(0, most)]
            if _win(kind, key, owner, owners=owners, now=now, lease_s=lease_s)
        ]
    left = [key for key in free if key not in won] if most < len(free) else []
    _say_no_room(kind, left, now=now)
    return Taken(won, len(left))


def _rows(kind: str, keys: Sequence[str]) -> dict[str, StreamState]:
    """A row for each key, also for those that get no lease: what is wanted can be seen."""
    found = _by_key(kind, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        StreamState.objects.bulk_create(
            [StreamState(kind=kind, key=key, updated_at=timezone.now()) for key in missing],
            ignore_conflicts=True,
        )
        found |= _by_key(kind, missing)
    return found


def _by_key(kind: str, keys: Sequence[str]) -> dict[str, StreamState]:
    return {row.key: row for row in StreamState.objects.filter(kind=kind, key__in=keys)}


def _held_now(kind: str, now: datetime) -> int:
    """Counted under the locks of all rows of the kind, so that two gateways count in turn."""
    rows = StreamState.objects.select_for_update().filter(kind=kind).order_by("pk")
    return sum(row.lease_until is not None and row.lease_until >= now for row in rows)


def _is_free(row: StreamState, *, owners: Collection[str], now: datetime) -> bool:
    """`owners`: the one who asks, and those who are certainly dead."""
    if row.resume_at is not None and row.resume_at > now:
        return False
    return row.lease_until is None or row.lease_until < now or row.owner in owners


def _win(
    kind: str, key: str, owner: str, *, owners: Collection[str], now: datetime, lease_s: float
) -> bool:
    """Nothing that the last holder said of its connection holds for ours."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now) | Q(owner__in=owners)
    won = StreamState.objects.filter(free, kind=kind, key=key).update(
        owner=owner,
        lease_until=now + timedelta(seconds=lease_s),
        epoch=F("epoch") + 1,
        state=StreamState.State.CONNECTING,
        connected_at=None,
        resume_at=None,
        updated_at=now,
    )
    return won == 1


def _say_no_room(kind: str, keys: list[str], *, now: datetime) -> None:
    """Not at once: another gateway may have room."""
    waited = now - timedelta(seconds=_NO_ROOM_AFTER_S)
    rows = StreamState.objects.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=waited), kind=kind, key__in=keys
    )
    rows.filter(updated_at__lt=waited).update(
        state=StreamState.State.WAITING, reason=NO_ROOM, updated_at=now
    )


def renew(
    kind: str, seen: Mapping[str, Progress], *, owner: str, lease_s: float = LEASE_S
) -> set[str]:
    """Extend the leases and write down the streams' states; returns the keys that are still ours.

    In one transaction, with as many statements whatever their number.
    """
    now = timezone.now()
    with transaction.atomic():
        held = StreamState.objects.select_for_update().filter(
            kind=kind, key__in=list(seen), owner=owner
        )
        rows = list(held.order_by("pk"))
        for row in rows:
            row.lease_until = now + timedelta(seconds=lease_s)
            row.updated_at = now
            _note(row, seen[row.key])
        update_rows(rows, fields=_RENEWED)
    return {row.key for row in rows}


_RENEWED = (
    "lease_until", "updated_at", "state", "attempts", "reason", *_COUNTS,
    "last_frame_at", "connected_at", "backfilled_at",
)  # fmt: skip


def _note(row: StreamState, progress: Progress) -> None:
    row.state, row.attempts, row.reason = progress.state, progress.attempts, progress.reason[:200]
    for name in _COUNTS:
        setattr(row, name, getattr(row, name) + getattr(progress, name))
    for name in ("last_frame_at", "connected_at", "backfilled_at"):
        if moment := getattr(progress, name):
            setattr(row, name, moment)


def give_back(kind: str, keys: Collection[str], *, owner: str, reason: str) -> None:
    """Free at once, for any gateway."""
    _let_go(kind, keys, owner, state=StreamState.State.STOPPED, reason=reason[:200])


def rest(kind: str, keys: Collection[str], *, owner: str, rest_s: float) -> None:
    """They ended by themselves: state and reason stay as they were last seen, for `rest_s`."""
    _let_go(kind, keys, owner, resume_at=timezone.now() + timedelta(seconds=rest_s))


def _let_go(kind: str, keys: Collection[str], owner: str, **changes: object) -> None:
    held = StreamState.objects.filter(kind=kind, key__in=list(keys), owner=owner)
    held.update(owner="", lease_until=None, updated_at=timezone.now(), **changes)


def tidy(kind: str, wanted: Collection[str]) -> int:
    """Remove the rows of streams that nobody wants any more; their counts go to the kind's total,
    the row without a key, so that the totals never fall."""
    now = timezone.now()
    with transaction.atomic():
        old = (
            StreamState.objects.select_for_update()
            .filter(_not_held(now), kind=kind, updated_at__lt=now - timedelta(seconds=TIDY_AFTER_S))
            .exclude(key="")
            .order_by("pk")
        )
        gone = [row.pk for row in old if row.key not in wanted]
        if gone:
            _add_to_total(kind, StreamState.objects.filter(pk__in=gone))
            StreamState.objects.filter(pk__in=gone).delete()
    return len(gone)


def _add_to_total(kind: str, rows: QuerySet[StreamState]) -> None:
    sums = rows.order_by().aggregate(**{name: Sum(name) for name in _COUNTS})
    StreamState.objects.get_or_create(kind=kind, key="")
    StreamState.objects.filter(kind=kind, key="").update(
        **{name: F(name) + (sums[name] or 0) for name in _COUNTS}
    )


def _not_held(now: datetime) -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lt=now)


@dataclass(frozen=True, slots=True)
class Gap:
    """What was said since `since` may not be stored; of the gateway with the lease's `epoch`."""

    since: datetime
    epoch: int


def open_gap(kind: str, key: str, *, stored_until: datetime | None, first: datetime) -> Gap:
    """Since when the history must be read, now that a connection is open; kept until it was.

    TRAP: the last frame alone does not say it. Live frames go on while a history is read, and
    whoever takes over from a gateway that died meanwhile would believe that all before them is
    there. `stored_until`: what this process has stored; `first`: where nothing is known.
    """
    row, _ = StreamState.objects.get_or_create(kind=kind, key=key)
    since = max(filter(None, (row.last_frame_at, stored_until)), default=first) - OVERLAP
    if row.gap_since is not None:
        since = min(since, row.gap_since)
    StreamState.objects.filter(pk=row.pk, epoch=row.epoch).update(gap_since=since)
    return Gap(since, row.epoch)


def close_gap(kind: str, key: str, gap: Gap, *, heard_until: datetime | None = None) -> None:
    """All of it is stored. A gateway that lost the lease meanwhile closes nothing.

    `heard_until`: when the connection beside which it was read has ended. The next gap begins
    there: some histories were read before it.
    """
    since = None if heard_until is None else max(gap.since, heard_until - OVERLAP)
    StreamState.objects.filter(kind=kind, key=key, epoch=gap.epoch).update(gap_since=since)
