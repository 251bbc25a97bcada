"""The job list of `/exports/`: how far each is, what came of it, who has fetched it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from conversations.exports.asked import Asked
from conversations.exports.job import shown_name
from conversations.models import Export
from conversations.services.decisions import name_of

LISTED = 50
_FETCHES_SHOWN = 3
_TONES = {
    Export.State.QUEUED: "waiting",
    Export.State.RUNNING: "waiting",
    Export.State.FINISHED: "ok",
    Export.State.CANCELLED: "quiet",
    Export.State.FAILED: "failed",
    Export.State.ERASED: "quiet",
}
_WORDS = {
    Export.State.ERASED: "file deleted",
}


@dataclass(frozen=True, slots=True)
class Fetch:
    by: str
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    export: Export
    name: str
    by: str
    scope: str
    state: str
    tone: str
    percent: int | None  # of the rows that were expected; None: not known
    fetches: list[Fetch]
    more_fetches: int

    @property
    def is_running(self) -> bool:
        return self.export.state in Export.UNFINISHED

    @property
    def can_cancel(self) -> bool:
        return self.is_running and not self.export.is_command

    @property
    def has_file(self) -> bool:
        return self.export.state == Export.State.FINISHED and not self.export.is_command

    @property
    def has_manifest(self) -> bool:
        return bool(self.export.manifest) and not self.export.is_command


def jobs() -> list[Job]:
    """The newest; older ones are in the journal."""
    return [_job(export) for export in Export.objects.prefetch_related("fetches")[:LISTED]]


def _job(export: Export) -> Job:
    state = Export.State(export.state)
    newest = sorted(export.fetches.all(), key=lambda one: one.pk, reverse=True)
    fetched = [Fetch(name_of(one.by), one.what, one.at) for one in newest]
    return Job(
        export=export,
        name=shown_name(export),
        by="a command" if export.is_command else name_of(export.requested_by),
        scope=_scope(Asked.from_json(export.asked)),
        state=_WORDS.get(state, state.label),
        tone=_TONES[state],
        percent=_percent(export),
        fetches=fetched[:_FETCHES_SHOWN],
        more_fetches=max(0, len(fetched) - _FETCHES_SHOWN),
    )


def _percent(export: Export) -> int | None:
    if not export.expected:
        return None
    return min(100, export.rows * 100 // export.expected)


def _scope(asked: Asked) -> str:
    parts = []
    if len(asked.conversations) == 1:
        parts.append(asked.conversations[0])
    elif asked.conversations:
        parts.append(f"{len(asked.conversations)} conversations")
    else:
        parts.append("all conversations")
    if asked.since:
        parts.append(f"from {asked.since:%Y-%m-%d %H:%M} UTC")
    if asked.until:
        parts.append(f"until {asked.until:%Y-%m-%d %H:%M} UTC")
    if asked.language:
        parts.append(f"guest speaks {asked.language}")
    if asked.columns:
        parts.append(f"{len(asked.columns)} columns")
    return ", ".join(parts)
