"""`export`: compliance exports to a file or standard output; progress on standard error."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.module_loading import import_string

from conversations.exports import jsonl
from conversations.exports.base import Scope
from conversations.exports.files import BeingWritten, whole_file
from conversations.models import Conversation

_FORMATS = {"jsonl": jsonl.write}


def one_of(what: str, known: dict[str, Any]) -> Any:
    """An argument's type that says which ones there are, rather than listing wishes."""

    def parse(value: str) -> str:
        if value not in known:
            raise ArgumentTypeError(
                f"{what} {value!r} does not exist yet; there is: {', '.join(known)}"
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
    help = "Export what was said, for compliance: one JSON object a line for each message or chunk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = settings.EXPORTS
        parser.add_argument("kind", type=one_of("the export", kinds), help=", ".join(kinds))
        parser.add_argument(
            "--format", type=one_of("the format", _FORMATS), default="jsonl", dest="file_format"
        )
        parser.add_argument("--conversation", metavar="ID", help="only this conversation")
        parser.add_argument("--since", type=moment, metavar="T", help="received at or after")
        parser.add_argument("--until", type=moment, metavar="T", help="received before")
        parser.add_argument("--output", required=True, metavar="FILE|-", help="- is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        scope = Scope(options["conversation"], options["since"], options["until"])
        self._check(scope)
        exporter = import_string(settings.EXPORTS[options["kind"]])
        rows, write = exporter(scope), _FORMATS[options["file_format"]]
        started = time.monotonic()
        try:
            if options["output"] == "-":
                count = write(rows, self.stdout, on_progress=self._progress)
            else:
                with whole_file(Path(options["output"])) as stream:
                    count = write(rows, stream, on_progress=self._progress)
        except BrokenPipeError:
            # The reader has gone: nothing more to say, also not while Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise CommandError("Standard output was closed before the end.") from None
        except (OSError, BeingWritten) as error:
            raise CommandError(f"Cannot write the export: {error}") from error
        self.stderr.write(f"{count} rows in {time.monotonic() - started:.1f} s")

    def _check(self, scope: Scope) -> None:
        if scope.since and scope.until and scope.since >= scope.until:
            raise CommandError("--since must be before --until.")
        if scope.conversation is None:
            return
        if not Conversation.objects.filter(external_id=scope.conversation).exists():
            raise CommandError(f"There is no conversation {scope.conversation}.")

    def _progress(self, count: int) -> None:
        self.stderr.write(f"{count} rows", ending="\r" if self.stderr.isatty() else "\n")
