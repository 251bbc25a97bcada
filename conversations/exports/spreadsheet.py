"""CSV that a spreadsheet does not execute and that reads back exactly (RFC 4180, reliability S7).

Every text is quoted, numbers, truth values and nothing are not, so that "" and nothing differ; a
list or an object is its JSON. Wherever a cell may begin - at the start of a text, and after a
`;`, a tab or a line end within it, where programs set to another separator begin one - an
apostrophe is put in front of what such a program might take for a formula. `plain_text` takes
exactly these away again: an apostrophe where one was put is the only one that it can find.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from conversations.exports.base import Row

BOM = b"\xef\xbb\xbf"
LINE_END = "\r\n"
# What a program may skip before it looks whether a cell is a formula: spaces, quotes, marks that
# nobody sees, the byte order mark.
SKIPPED = (
    " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
    "\"'`\u00b4\u00ab\u00bb\u2018-\u201f\u2039\u203a\uff02\uff07"
    "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
)
DANGEROUS = "=+@|\t\r\n\x00\uff1d\uff0b\uff20\uff5c\uff0d\u2212-"
BEFORE_A_CELL = ";\t\r\n"
_START = f"(?<![^{BEFORE_A_CELL}])"
_FORMULA = f"(?=[{SKIPPED}]*[{DANGEROUS}])"
_UNSAFE = re.compile(_START + _FORMULA)
_MADE_SAFE = re.compile(f"{_START}'{_FORMULA}")

_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def safe_text(text: str) -> str:
    return _UNSAFE.sub("'", text)


def plain_text(field: str) -> str:
    """What stood in the record before `safe_text`."""
    return _MADE_SAFE.sub("", field)


def header(columns: Sequence[str]) -> bytes:
    return _line([_quoted(column) for column in columns]).encode()


def lines(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    return "".join(_line([_cell(row[column]) for column in columns]) for row in rows).encode()


def _line(cells: list[str]) -> str:
    return ",".join(cells) + LINE_END


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(safe_text(value))
    if isinstance(value, bool | int | float):
        return _json(value)
    return _quoted(safe_text(_json(value)))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
