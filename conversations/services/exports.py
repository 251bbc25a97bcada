"""What becomes of an export's files when something in them has to go.

The life of a job before that stands in `export_jobs`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.models import Export, JournalEntry
from conversations.services.console_journal import note

_AT_ONCE = 500
_KEY = re.compile("[0-9a-f]{32}")
_ACTOR = "retention"
# What a job that has to begin again has lost.
FROM_THE_START: dict[str, Any] = {
    "state": Export.State.QUEUED,
    "rows": 0,
    "size": 0,
    "position": "",
    "file_name": "",
}
FREE: dict[str, Any] = {"lease_owner": "", "lease_until": None}


def export_folder() -> Path:
    return Path(settings.EXPORT_FOLDER)


def remove_files_with(conversation_ids: Collection[int], *, reason: str) -> int:
    """Delete the files of all exports that contain any of these conversations; returns how many.

    A finished export becomes `erased`: its row, its manifest and its entries in the journal stay.
    One that is being written begins again, and finds what is left. Call it once the texts are gone
    for good (committed): a file is not rolled back. `reason` goes into the journal, which nobody
    can erase: a few words without a name. Doing it twice does no harm.
    """
    ids = sorted(set(conversation_ids))
    removed = 0
    for start in range(0, len(ids), _AT_ONCE):
        exports = Export.objects.about(ids[start : start + _AT_ONCE]).order_by("pk")
        for export in exports.only("pk", "key"):
            removed += _remove_files_of(export, reason=reason)
    return removed


def tidy_exports(*, now: datetime | None = None) -> int:
    """Delete files older than EXPORT_KEEP_DAYS and files of no export; returns how many."""
    now = now or timezone.now()
    before = now - timedelta(days=settings.EXPORT_KEEP_DAYS)
    # A command that was killed: nobody goes on with it.
    Export.objects.filter(
        is_command=True, state=Export.State.RUNNING, lease_until__lt=now - timedelta(hours=1)
    ).update(
        state=Export.State.FAILED, failure="The command ended before its end.", finished_at=now
    )
    removed = 0
    aged = Export.objects.filter(state=Export.State.FINISHED, finished_at__lt=before)
    for export in aged.only("pk", "key"):
        removed += _remove_files_of(export, reason="kept long enough")
    return removed + _remove_strays()


def _remove_strays() -> int:
    """What a worker left that was killed at the wrong moment."""
    found = list(export_folder().glob("*-*"))
    keys = {path.name.partition("-")[0] for path in found}
    known = Export.objects.filter(key__in=keys)
    unfinished = set(known.filter(state__in=Export.UNFINISHED).values_list("key", flat=True))
    finished = set(known.filter(state=Export.State.FINISHED).values_list("file_name", flat=True))
    strays = [
        path
        for path in found
        if path.name not in finished
        and path.name.partition("-")[0] not in unfinished
        and _KEY.fullmatch(path.name.partition("-")[0])
    ]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(strays)


def _remove_files_of(export: Export, *, reason: str) -> int:
    now = timezone.now()
    one = Export.objects.filter(pk=export.pk)
    with transaction.atomic():
        # A worker that finishes at this moment is either before us or finds its lease gone.
        one.filter(state__in=Export.UNFINISHED).update(**FROM_THE_START, **FREE)
        if one.filter(state=Export.State.FINISHED).update(
            state=Export.State.ERASED, erased_at=now, file_name=""
        ):
            data = {"export": export.key, "reason": reason}
            note(JournalEntry.Kind.EXPORT_ERASED, actor=_ACTOR, data=data, now=now)
    return delete_files(export.key)


def delete_files(key: str, *, but: str = "") -> int:
    """Whatever was written of an export, by whichever run; `but` is the name of one that stays."""
    deleted = 0
    for path in export_folder().glob(f"{key}-*"):
        if path.name != but:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted
