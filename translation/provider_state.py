"""Keeps what the workers see of the provider where a person can see it, and reads their word."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from translation.models import ProviderState

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)


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


def ask_again(providers: QuerySet[ProviderState], *, user: AbstractBaseUser) -> int:
    """The operator has acted: workers see the word within seconds and open the gate (protocol,
    456 and 403). Returns how many providers it was said of."""
    names = list(providers.values_list("name", flat=True))
    rows = ProviderState.objects.filter(name__in=names)
    rows.update(reopened_at=timezone.now(), reopened_by_id=user.pk)
    for name in names:
        logger.info("provider %s: user %s has it asked again", name, user.pk)
    return len(names)
