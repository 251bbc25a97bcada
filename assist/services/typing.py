"""Adds keystrokes to the rows they belong to; several processes add to one row.

TRAP: a commit without an answer may have been done. Each process numbers its flushes and writes the
number in the same transaction, so that a flush that is handed over again is not added again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from assist.engagement.tally import Key
from assist.engagement.typed import Typed
from assist.models import Engagement, EngagementWriter
from conversations.models import Conversation
from conversations.models.bulk import update_rows

logger = logging.getLogger(__name__)

_FORGOTTEN_AFTER = timedelta(days=2)  # no flush is handed over again so late
_FIELDS = (
    "keystrokes", "active_ms", "duration_ms", "bursts", "first_key_at", "last_key_at", "at",
)  # fmt: skip


def add_typed(typed: Mapping[Key, Typed], *, writer: str, number: int) -> bool:
    """Add flush `number` of `writer`; False: it was stored before, and is not added again."""
    now = timezone.now()
    with transaction.atomic():
        if not _is_news(writer, number, now):
            return False
        rows = locked_rows(_of_known_conversations(typed), now=now)
        for key, row in rows.items():
            _add(row, typed[key])
        update_rows(list(rows.values()), fields=_FIELDS)
    return True


def _is_news(writer: str, number: int, now: datetime) -> bool:
    """Whether this flush is not stored yet; from now on it is, if the transaction commits."""
    if number == 1:
        EngagementWriter.objects.filter(at__lt=now - _FORGOTTEN_AFTER).delete()
    known = EngagementWriter.objects.select_for_update().filter(name=writer).first()
    if known is not None and known.flushes >= number:
        return False
    # A writer that was silent for so long that it was forgotten begins anew where it stands.
    EngagementWriter(name=writer, flushes=number, at=now).save(force_insert=known is None)
    return True


def _of_known_conversations(keys: Collection[Key]) -> list[Key]:
    """A conversation that does not exist must not keep the others from being stored."""
    ids = {conversation_id for conversation_id, *_ in keys}
    known = set(Conversation.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if ids - known:
        logger.warning("keystrokes of %d unknown conversations are left out", len(ids - known))
    return [key for key in keys if key[0] in known]


def locked_rows(keys: Collection[Key], *, now: datetime) -> dict[Key, Engagement]:
    """The rows of `keys`, made where they are missing, locked in one order: no dead-lock."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    rows = _lock(wanted)
    missing = [key for key in wanted if key not in rows]
    if missing:
        made = [
            Engagement(conversation_id=pk, agent_id=agent_id, day=day, at=now)
            for pk, agent_id, day in missing
        ]
        Engagement.objects.bulk_create(made, ignore_conflicts=True)
        rows |= _lock(missing)
    return rows


def _lock(keys: list[Key]) -> dict[Key, Engagement]:
    wanted = set(keys)
    found = Engagement.objects.select_for_update().filter(
        conversation_id__in={key[0] for key in keys},
        agent_id__in={key[1] for key in keys},
        day__in={key[2] for key in keys},
    )
    by_key = {(row.conversation_id, row.agent_id, row.day): row for row in found.order_by("pk")}
    return {key: row for key, row in by_key.items() if key in wanted}


def _add(row: Engagement, later: Typed) -> None:
    added = typed_of(row).then(later) if row.keystrokes else later
    row.keystrokes, row.bursts = added.keystrokes, added.bursts
    row.active_ms, row.duration_ms = added.active_ms, added.duration_ms
    row.first_key_at, row.last_key_at = added.first_at, added.last_at
    row.at = max(row.at, added.last_at) if row.messages else added.last_at


def typed_of(row: Engagement) -> Typed:
    assert row.first_key_at is not None  # noqa: S101 - a row with keystrokes has both
    assert row.last_key_at is not None  # noqa: S101
    return Typed(
        first_at=row.first_key_at,
        last_at=row.last_key_at,
        keystrokes=row.keystrokes,
        active_ms=row.active_ms,
        duration_ms=row.duration_ms,
        bursts=row.bursts,
    )
