"""Keeps what the workers see of the provider where a person can see it, and reads their word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from translation.models import ProviderState


@dataclass(frozen=True, slots=True)
class Seen:
    state: str
    reason: str


def report(name: str, seen: Seen) -> datetime | None:
    """Store `seen` when it differs; returns when an operator last said "ask again"."""
    row, _ = ProviderState.objects.get_or_create(
        name=name,
        defaults={"state": seen.state, "reason": seen.reason[:200], "since": timezone.now()},
    )
    if (row.state, row.reason) != (seen.state, seen.reason[:200]):
        row.state, row.reason, row.since = seen.state, seen.reason[:200], timezone.now()
        row.save(update_fields=["state", "reason", "since", "updated_at"])
    return row.reopened_at
