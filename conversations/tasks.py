"""Celery's side of the heart: keeping house."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone

from conversations import outages
from conversations.exports.job import run_next
from conversations.models import Erasure
from conversations.processes import process_name
from conversations.services.anchors import (
    AnchorsUnavailable,
    anchors_are_kept,
    signing_key,
    write_anchor,
)
from conversations.services.closing import close_idle_conversations
from conversations.services.compaction import compact
from conversations.services.exports import tidy_exports
from conversations.services.guest_erasure import run_erasure
from conversations.services.login_limits import forget_old_attempts
from conversations.services.retention import remove_due
from conversations.services.verification_runs import verify_and_keep
from conversations.sessions import SessionStore

logger = logging.getLogger(__name__)

# After that an export makes room for what else waits, and goes on by a task of its own.
EXPORT_SLICE_S = 30.0
# Of one run, seconds: embedded mode has one worker for everything. The rest is due again.
RETENTION_FOR_S = 1200.0
_STANDS_STILL = timedelta(seconds=90)


@shared_task(name="sync.close_idle")
def close_idle() -> None:
    """Close conversations that have been silent for CONVERSATION_IDLE_CLOSE_H."""
    try:
        close_idle_conversations()
    except (DatabaseError, InterfaceError) as error:
        if outages.tell(error) is None:
            raise


@shared_task(name="sync.anchor_journal")
def anchor_journal() -> None:
    """One more line in JOURNAL_ANCHOR_FILE, where anything moved."""
    if not anchors_are_kept():
        return
    try:
        write_anchor()
    except AnchorsUnavailable as error:
        logger.error("%s", error)
    except (DatabaseError, InterfaceError) as error:
        if outages.tell(error) is None:
            raise


# Acknowledged when it begins: a long one would be given to a second worker meanwhile.
@shared_task(name="bulk.verify_journal", acks_late=False, time_limit=7200, soft_time_limit=7100)
def verify_journal_nightly() -> None:
    """The whole journal and its anchors; admin and operations page show what was found."""
    kept = anchors_are_kept()
    report, anchored = verify_and_keep(
        anchors=Path(settings.JOURNAL_ANCHOR_FILE) if kept else None,
        public_key=signing_key().public_key() if kept else None,
    )
    faults = [*report.faults, *(anchored.faults if anchored else [])]
    if faults:
        logger.error("the journal does not hold: %s", "; ".join(map(str, faults[:3])))


# Acknowledged when it begins: the rows are the queue, and a lease runs out.
@shared_task(name="bulk.run_exports", acks_late=False, time_limit=600, soft_time_limit=580)
def run_exports() -> None:
    """Exports that wait, one after the other."""
    until = time.monotonic() + EXPORT_SLICE_S
    try:
        while time.monotonic() < until and run_next(process_name(), until=until):
            pass
    except (DatabaseError, InterfaceError) as error:
        if outages.tell(error) is None:
            raise


@shared_task(name="bulk.tidy_exports")
def tidy_exports_daily() -> None:
    """Files that are older than EXPORT_KEEP_DAYS, and what killed workers left."""
    tidy_exports()


@shared_task(name="bulk.apply_retention", acks_late=False, time_limit=7200, soft_time_limit=7100)
def apply_retention() -> None:
    """Remove what has been kept long enough, and what nobody needs any more."""
    now = timezone.now()
    counts = remove_due(now=now, for_s=RETENTION_FOR_S)
    forget_old_attempts(now=now)
    SessionStore.clear_expired()
    if any(counts.values()):
        compact()
    logger.info("retention: %s", ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))


@shared_task(name="bulk.run_erasures", acks_late=False, time_limit=7200, soft_time_limit=7100)
def run_erasures() -> None:
    """Requests that nobody works on: new ones, and those whose run was killed."""
    still = Q(active_at__isnull=True) | Q(active_at__lt=timezone.now() - _STANDS_STILL)
    for erasure in Erasure.objects.unfinished().filter(still).order_by("requested_at"):
        run_erasure(erasure)
