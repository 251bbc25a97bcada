"""Leases of streams: gateways share them, one holds each. For the database thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from conversations.models import StreamState

# Short: while nobody holds the stream, no absence can be believed (protocol §1, Injecting).
LEASE_S = 6.0
OVERLAP = timedelta(seconds=60)  # before the last frame (protocol §1, TRAP)


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


def take(kind: str, key: str, *, owner: str) -> bool:
    """Take the stream's lease if nobody has it; whoever takes it counts the epoch up."""
    now = timezone.now()
    StreamState.objects.get_or_create(kind=kind, key=key)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now) | Q(owner=owner)
    won = StreamState.objects.filter(free, kind=kind, key=key).update(
        owner=owner, lease_until=now + timedelta(seconds=LEASE_S), epoch=F("epoch") + 1
    )
    return won == 1


def renew(kind: str, key: str, *, owner: str, progress: Progress) -> bool:
    """Extend the lease and write down the stream's state; False: somebody else has it now."""
    now = timezone.now()
    changes: dict[str, object] = {
        "lease_until": now + timedelta(seconds=LEASE_S),
        "state": progress.state,
        "attempts": progress.attempts,
        "reason": progress.reason[:200],
        "frames": F("frames") + progress.frames,
        "malformed": F("malformed") + progress.malformed,
        "ignored": F("ignored") + progress.ignored,
        "updated_at": now,
    }
    if progress.last_frame_at:
        changes["last_frame_at"] = progress.last_frame_at
    if progress.connected_at:
        changes["connected_at"] = progress.connected_at
    if progress.backfilled_at:
        changes["backfilled_at"] = progress.backfilled_at
    won = StreamState.objects.filter(kind=kind, key=key, owner=owner).update(**changes)
    return won == 1


def give_back(kind: str, key: str, *, owner: str, reason: str) -> None:
    StreamState.objects.filter(kind=kind, key=key, owner=owner).update(
        owner="",
        lease_until=None,
        state=StreamState.State.STOPPED,
        reason=reason[:200],
        updated_at=timezone.now(),
    )


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


def close_gap(kind: str, key: str, gap: Gap) -> None:
    """All of it is stored. A gateway that lost the lease meanwhile closes nothing."""
    StreamState.objects.filter(kind=kind, key=key, epoch=gap.epoch).update(gap_since=None)
