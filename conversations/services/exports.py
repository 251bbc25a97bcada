"""What becomes of an export's files when something in them has to go.

The life of a job before that stands in `export_jobs`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.models import Export, JournalEntry
from conversations.services.console_journal import note

_AT_ONCE = 500
_ACTOR = "retention"
# What a job that has to begin again has lost.
FROM_THE_START = {"state": Export.State.QUEUED, "rows": 0, "size": 0, "position": ""}
FREE = {"lease_owner": "", "lease_until": None}


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
