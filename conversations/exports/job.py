"""Runs an export: heads first, then an entry in each covered chain, then row after row.

What is durable is said in the job's row about once a second; whoever comes after a killed worker
goes on from there by key. `services.export_jobs` says who may write at all.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from conversations.exports import manifest, pdf, rendering
from conversations.exports.asked import Asked
from conversations.exports.base import Position, Scope, Source, iso
from conversations.exports.files import whole_file
from conversations.exports.part_file import BLOCK, PartFile, Sink
from conversations.exports.sources import kinds, source_of
from conversations.models import Export
from conversations.net.faultpoints import point
from conversations.services import export_jobs
from conversations.services.anchors import signing_key
from conversations.services.exports import delete_files, export_folder

logger = logging.getLogger(__name__)

_CHECKPOINT_S = 1.0
_CHECKPOINT_BYTES = 16 * 1024 * 1024


class OutOfTime(Exception):
    """This run's time is over; another goes on."""


class Run:
    """One claim of one export. `until` is a moment of `time.monotonic`, None for no limit."""

    def __init__(
        self,
        export: Export,
        *,
        until: float | None = None,
        on_progress: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self.export = export
        self.asked = Asked.from_json(export.asked)
        self.source: Source = source_of(export.kind)
        self.scope: Scope = self.asked.scope(export=export.pk)
        self.columns: Sequence[str] = self.asked.columns or self.source.columns
        self._until = until
        self._on_progress = on_progress
        self._checked_at = time.monotonic()
        self._checked_size = 0

    def prepare(self) -> None:
        """Fix the heads, and tell each covered conversation's journal that it is exported."""
        export = self.export
        if export.heads_at is None:
            export_jobs.fix_heads(export, self.source.conversations(self.asked.scope()))
            with export_jobs.patience():
                expected = self.source.count(self.scope)
            export_jobs.expect(export, expected)
        while export_jobs.enter_into_chains(export):
            self._mind_the_time()
        self.columns = self.asked.columns_of(self.source, self.scope)

    def write(self, sink: Sink, *, part: str = "") -> None:
        """All rows after the last checkpoint. Raises OutOfTime between two pages."""
        export, file_format = self.export, self.export.file_format
        if file_format == "pdf":
            data, rows = pdf.document(self.source, self.scope, at=export.heads_at)
            sink.write(data)
            self._checkpoint(sink, rows=rows, position=None, part=part)
            return
        if not export.size:
            sink.write(rendering.beginning(file_format, self.columns, bom=self.asked.bom))
        rows, after = export.rows, self._position()
        pages = rendering.pages(self.source, self.scope, file_format, self.columns, after=after)
        for page in pages:
            point("X1")
            sink.write(page.data)
            rows += page.rows
            self._on_progress(rows)
            if page.last is not None and self._is_due(sink):
                self._checkpoint(sink, rows=rows, position=page.last, part=part)
                self._mind_the_time()
            if page.last is not None:
                after = page.last
        self._checkpoint(sink, rows=rows, position=after, part=part)

    def manifest(self, sink: Sink, *, name: str) -> str:
        """Signed, where there is a key."""
        export, digests = self.export, sink.digests
        few = export.heads <= manifest.HEADS_AT_MOST
        values = {
            "export": export.key,
            "kind": export.kind,
            "format": export.file_format,
            "columns": list(self.columns),
            "file": name,
            "rows": export.rows,
            "size": digests.size,
            "sha256": digests.sha256(),
            "block_size": BLOCK,
            "blocks": digests.all_blocks(),
            "asked": self.asked.data(),
            "requested_by": export.requested_by,
            "requested_at": iso(export.requested_at),
            "heads_at": iso(export.heads_at),
            "conversations": export.heads,
            "heads_digest": export.heads_digest,
            "heads": export_jobs.heads_of(export, at_most=manifest.HEADS_AT_MOST) if few else None,
        }
        return manifest.signed(values, signing_key() if settings.JOURNAL_SIGNING_KEY else None)

    def _position(self) -> Position | None:
        return tuple(json.loads(self.export.position)) if self.export.position else None

    def _is_due(self, sink: Sink) -> bool:
        written = sink.digests.size - self._checked_size
        is_late = time.monotonic() - self._checked_at > _CHECKPOINT_S
        return is_late or written > _CHECKPOINT_BYTES

    def _checkpoint(self, sink: Sink, *, rows: int, position: Position | None, part: str) -> None:
        sink.sync()
        point("X2")
        export_jobs.checkpoint(
            self.export,
            rows=rows,
            size=sink.digests.size,
            position=json.dumps(position) if position else "",
            part=part,
        )
        self._checked_at, self._checked_size = time.monotonic(), sink.digests.size

    def _mind_the_time(self) -> None:
        if self._until is not None and time.monotonic() > self._until:
            raise OutOfTime


def run_next(owner: str, *, until: float) -> bool:
    """Claim the oldest job and work on it; False where there is none."""
    export = export_jobs.claim_next(owner)
    if export is None:
        return False
    try:
        _run(export, until=until)
    except export_jobs.Lost:
        logger.info("export %s: ended by somebody else", export.key)
        _own_part(export).unlink(missing_ok=True)
    return True


def _run(export: Export, *, until: float) -> None:
    if export.barren > export_jobs.BARREN_AT_MOST:
        words = f"Its worker ended {export_jobs.BARREN_AT_MOST} times without a step forward."
        export_jobs.fail(export, words)
        return
    if export.kind not in kinds():
        export_jobs.fail(export, f"There is no export of the kind {export.kind} any more.")
        return
    logger.info("export %s: run %s, from row %s", export.key, export.run, export.rows)
    run = Run(export, until=until)
    try:
        run.prepare()
        _write_file(run)
    except OutOfTime:
        export_jobs.hand_on(export)
    except pdf.TooLong as error:
        export_jobs.fail(export, str(error))
    except OSError as error:
        logger.error("export %s: cannot write (%s)", export.key, error.strerror)
        words = f"EXPORT_FOLDER cannot be written ({error.strerror}). Mend that and ask again."
        export_jobs.fail(export, words)


def _write_file(run: Run) -> None:
    export = run.export
    part = _own_part(export)
    with PartFile(part) as file:
        if export.file_name:
            _go_on(export, file)
        delete_files(export.key, but=part.name)
        run.write(file, part=part.name)
        name = f"{export.key}-{export.run}.{export.file_format}"
        text = run.manifest(file, name=shown_name(export))
        point("X3")
        file.name(export_folder() / name)
    with whole_file(manifest_path(export)) as stream:
        stream.write(text)
    point("X4")
    try:
        export_jobs.finish(export, file_name=name, sha256=file.digests.sha256(), manifest=text)
    except export_jobs.Lost:
        (export_folder() / name).unlink(missing_ok=True)
        raise
    logger.info("export %s: finished, %s rows", export.key, export.rows)


def _go_on(export: Export, file: PartFile) -> None:
    """From the part of the run before; from the start where that is gone, and for a PDF, which is
    made in one piece."""
    rows, size, position = export.rows, export.size, export.position
    if export.file_format == "pdf":
        rows, size, position = 0, 0, ""
    elif not file.carry_over(export_folder() / export.file_name, size):
        logger.warning("export %s: its part is gone, it begins again", export.key)
        file.begin_again()
        rows, size, position = 0, 0, ""
    name = file.path.name
    export_jobs.checkpoint(export, rows=rows, size=size, position=position, part=name)


def _own_part(export: Export) -> Path:
    return export_folder() / f"{export.key}-{export.run}.part"


def manifest_path(export: Export) -> Path:
    return export_folder() / f"{export.key}{manifest.SUFFIX}"


def shown_name(export: Export) -> str:
    """What a browser saves it as."""
    return f"{export.kind}-{export.requested_at:%Y%m%d}-{export.key[:8]}.{export.file_format}"
