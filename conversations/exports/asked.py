"""What somebody asked an export for, as the job keeps it, the journal notes it and the manifest
says it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conversations.exports.base import Scope, Source, iso


@dataclass(frozen=True, slots=True)
class Asked:
    """`columns` empty: all of them. `bom` is for programs that guess a file's encoding."""

    conversations: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    language: str = ""
    columns: tuple[str, ...] = ()
    bom: bool = False

    @classmethod
    def from_json(cls, text: str) -> Asked:
        values = json.loads(text)
        return cls(
            conversations=tuple(values.get("conversations", ())),
            since=_moment(values.get("since")),
            until=_moment(values.get("until")),
            language=values.get("language", ""),
            columns=tuple(values.get("columns", ())),
            bom=bool(values.get("bom")),
        )

    def data(self) -> dict[str, Any]:
        """Without what was not asked for."""
        values = {
            "conversations": list(self.conversations),
            "since": iso(self.since),
            "until": iso(self.until),
            "language": self.language,
            "columns": list(self.columns),
            "bom": self.bom,
        }
        return {name: value for name, value in values.items() if value}

    def scope(self, *, export: int | None = None) -> Scope:
        return Scope(
            since=self.since,
            until=self.until,
            conversations=self.conversations,
            language=self.language,
            export=export,
        )

    def columns_of(self, source: Source, scope: Scope) -> Sequence[str]:
        """Those of the first row where the kind does not say; none where there is no row either."""
        if self.columns or source.columns:
            return self.columns or source.columns
        for page in source.pages(scope, size=1):
            if page.rows:
                return tuple(page.rows[0])
        return ()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
