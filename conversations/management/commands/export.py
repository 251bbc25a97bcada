"""`export`: compliance exports to a file or standard output; progress on standard error.

To a file it writes the manifest beside it. What a command exports is in the job list and in the
journal like what a page exports.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from conversations.exports import pdf
from conversations.exports.asked import Asked
from conversations.exports.covered import missing
from conversations.exports.files import BeingWritten, whole_file
from conversations.exports.job import Run
from conversations.exports.manifest import SUFFIX
from conversations.exports.part_file import Pipe
from conversations.exports.sources import kinds, source_of
from conversations.services import export_jobs

_FORMATS = ("jsonl", "csv", "pdf")
_PROGRESS_EVERY = 1_000


def one_of(what: str, known: Sequence[str]) -> Callable[[str], str]:
    """An argument's type that says which ones there are, rather than listing wishes."""

    def parse(value: str) -> str:
        if value not in known:
            raise ArgumentTypeError(
                f"{what} {value!r} does not exist; there is: {', '.join(known)}"
            )
        return value

    return parse


def moment(value: str) -> datetime:
    """A date or a date with time; without an offset it is UTC."""
    try:
        parsed = parse_datetime(value)
        day = None if parsed else parse_date(value)
    except ValueError:
        parsed = day = None
    if parsed is None and day is not None:
        parsed = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if parsed is None:
        raise ArgumentTypeError(f"{value!r} is no time; write 2026-05-31 or 2026-05-31T12:00+02:00")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Export what was said and the proof of it, for compliance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", type=one_of("the export", kinds()), help=", ".join(kinds()))
        parser.add_argument(
            "--format", type=one_of("the format", _FORMATS), default="jsonl", dest="file_format"
        )
        parser.add_argument(
            "--conversation", metavar="ID", action="append", default=[], help="only this (repeat)"
        )
        parser.add_argument("--since", type=moment, metavar="T", help="received at or after")
        parser.add_argument("--until", type=moment, metavar="T", help="received before")
        parser.add_argument("--language", default="", metavar="TAG", help="the guest's language")
        parser.add_argument(
            "--columns", default="", metavar="A,B", help="only these, in this order"
        )
        parser.add_argument("--bom", action="store_true", help="CSV begins with a byte order mark")
        parser.add_argument("--reason", default="by command", help="goes into the job list")
        parser.add_argument("--output", required=True, metavar="FILE|-", help="- is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = self._asked(options)
        wish = export_jobs.Wish(
            options["kind"], options["file_format"], asked.data(), options["reason"]
        )
        actor = f"command:{_operator()}"[:100]
        export = export_jobs.request_export(wish, actor=actor, is_command=True)
        claimed = export_jobs.claim(export, f"command-{os.getpid()}-{socket.gethostname()[:30]}")
        assert claimed is not None  # noqa: S101 - nobody else runs a command's
        started = time.monotonic()
        run = Run(claimed, on_progress=self._progress)
        self._reported = 0
        try:
            self._export(run, options["output"])
        except BrokenPipeError:
            export_jobs.fail(claimed, "Standard output was closed before the end.")
            # The reader has gone: nothing more to say, also not while Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise CommandError("Standard output was closed before the end.") from None
        except (OSError, BeingWritten) as error:
            export_jobs.fail(claimed, "The file cannot be written.")
            raise CommandError(f"Cannot write the export: {error}") from error
        except pdf.TooLong as error:
            export_jobs.fail(claimed, str(error))
            raise CommandError(str(error)) from None
        except export_jobs.Lost:
            words = "Something in it was erased meanwhile, or it was cancelled: export it again."
            raise CommandError(words) from None
        except BaseException:
            export_jobs.fail(claimed, "The command ended before its end.")
            raise
        self.stderr.write(f"{claimed.rows} rows in {time.monotonic() - started:.1f} s")

    def _export(self, run: Run, output: str) -> None:
        export = run.export
        if output == "-":
            run.prepare()
            sink = Pipe(self._to_stdout())
            run.write(sink)
            text = run.manifest(sink, name="-")
        else:
            path = Path(output)
            with whole_file(path) as stream:
                run.prepare()
                sink = Pipe(stream.buffer.write)
                run.write(sink)
            text = run.manifest(sink, name=path.name)
            with whole_file(path.with_name(path.name + SUFFIX)) as beside:
                beside.write(text)
        export_jobs.finish(export, file_name="", sha256=sink.digests.sha256(), manifest=text)

    def _asked(self, options: dict[str, Any]) -> Asked:
        asked = Asked(
            conversations=tuple(options["conversation"]),
            since=options["since"],
            until=options["until"],
            language=options["language"],
            columns=tuple(filter(None, options["columns"].split(","))),
            bom=options["bom"],
        )
        source = source_of(options["kind"])
        if options["file_format"] not in source.formats:
            formats = ", ".join(source.formats)
            raise CommandError(
                f"{options['kind']} has no {options['file_format']}; {formats} it is."
            )
        if options["file_format"] == "pdf" and len(asked.conversations) != 1:
            raise CommandError("A PDF is of one conversation: give --conversation.")
        if asked.since and asked.until and asked.since >= asked.until:
            raise CommandError("--since must be before --until.")
        if unknown := [name for name in asked.columns if name not in source.columns]:
            raise CommandError(f"There is no column {unknown[0]}; {', '.join(source.columns)}.")
        if gone := missing(asked.conversations):
            raise CommandError(f"There is no conversation {gone[0]}.")
        return asked

    def _to_stdout(self) -> Callable[[bytes], object]:
        binary = getattr(self.stdout, "buffer", None)
        if binary is not None:
            return binary.write
        return lambda data: self.stdout.write(data.decode(), ending="")

    def _progress(self, count: int) -> None:
        if count - self._reported >= _PROGRESS_EVERY:
            self._reported = count
            self.stderr.write(f"{count} rows", ending="\r" if self.stderr.isatty() else "\n")


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
