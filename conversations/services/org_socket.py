"""What is known of the org socket: whether all that was said up to a moment has come by it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from conversations.models import StreamState


def nothing_was_missed(since: datetime, until: datetime) -> bool:
    """The org socket was open throughout, or its gap has been backfilled; known after `until`."""
    row = _newest()
    return row is not None and _missed_nothing(row, since, until)


def is_read_up_to(moment: datetime) -> bool:
    """Known to have been open at `moment` or after it, with no gap left open: what comes by it from
    now on was said later than all that it had brought, or should have brought, until then."""
    row = _newest()
    return row is not None and row.gap_since is None and _missed_nothing(row, moment, moment)


def _newest() -> StreamState | None:
    rows = StreamState.objects.filter(kind=StreamState.Kind.MESSAGING)
    return rows.order_by("-updated_at").first()


def _missed_nothing(row: StreamState, since: datetime, until: datetime) -> bool:
    if row.state != StreamState.State.LIVE or row.connected_at is None:
        return False
    if row.updated_at < until or row.lease_until is None or row.lease_until < timezone.now():
        return False
    is_filled = row.backfilled_at is not None and row.backfilled_at >= row.connected_at
    return row.connected_at <= since or is_filled
