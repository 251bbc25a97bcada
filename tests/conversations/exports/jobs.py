"""Jobs for tests: asked for as the page asks, run as a worker runs them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from conversations.exports.asked import Asked
from conversations.exports.job import run_next
from conversations.models import Export
from conversations.services.export_jobs import Wish, request_export


def wanted(kind: str = "transcripts", file_format: str = "jsonl", **asked: Any) -> Export:
    wish = Wish(kind, file_format, Asked(**asked).data(), "A reason")
    return request_export(wish, actor="user:1:cora")


def run_all(owner: str = "worker") -> None:
    while run_next(owner, until=math.inf):
        pass


def finished(kind: str = "transcripts", file_format: str = "jsonl", **asked: Any) -> Export:
    export = wanted(kind, file_format, **asked)
    run_all()
    export.refresh_from_db()
    assert export.state == Export.State.FINISHED, export.failure
    return export


def file_of(export: Export, settings: Any) -> Path:
    return Path(settings.EXPORT_FOLDER) / export.file_name
