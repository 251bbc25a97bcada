"""The operator's own patterns: RE2 syntax, so that none takes more than linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import re2

from assist.redaction.spans import KINDS, Span

LONGEST_PATTERN = 300
MOST_PATTERNS = 50
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,19}")


class InvalidPattern(ValueError):
    """Says which one, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class CustomPattern:
    name: str
    compiled: Any

    def spans_in(self, text: str) -> list[Span]:
        return [
            Span(match.start(), match.end(), self.name)
            for match in self.compiled.finditer(text)
            if match.end() > match.start()
        ]


def parse_patterns(text: str) -> tuple[CustomPattern, ...]:
    """One a line: NAME, white space, pattern; empty lines and those with # in front are skipped."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith("#")]
    if len(kept) > MOST_PATTERNS:
        raise InvalidPattern(f"{len(kept)} patterns: at most {MOST_PATTERNS}")
    return tuple(_pattern(line) for line in kept)


def _pattern(line: str) -> CustomPattern:
    name, _, pattern = line.partition(" ")
    pattern = pattern.strip()
    if not _NAME.fullmatch(name) or name in KINDS:
        raise InvalidPattern(
            f"{name[:30]!r}: a name is 1 to 20 capitals, digits or _,"
            f" and none of {', '.join(KINDS)}"
        )
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise InvalidPattern(f"{name}: a pattern has 1 to {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise InvalidPattern(
            f"{name}: not in RE2's syntax ({_said(error)}); back-references and look-arounds"
            " do not exist there"
        ) from None
    if compiled.search("") is not None:
        raise InvalidPattern(f"{name}: it matches the empty text, so it would match everywhere")
    return CustomPattern(name, compiled)


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def spans_of(patterns: Sequence[CustomPattern], text: str) -> list[Span]:
    return [span for pattern in patterns for span in pattern.spans_in(text)]
