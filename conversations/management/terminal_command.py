"""What the commands that people follow on a terminal share: colours, and lines that never fail."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class TerminalCommand(BaseCommand):
    def _in_colour(self, options: dict[str, Any]) -> bool:
        if options["no_color"] or not settings.TERMINAL_COLOURS:
            return False
        return options["force_color"] or self.stdout.isatty()

    def _out(self, line: str) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding))
        self.stdout.flush()

    def _err(self, line: str) -> None:
        self.stderr.write(line, self.style.NOTICE if self.stderr.isatty() else None)
