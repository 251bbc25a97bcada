"""JSON lines: one object a row, UTF-8, without spaces, keys in the order of the columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from conversations.exports.base import Row

# TRAP: these end a line for some readers of lines; JSON may escape them.
_LINE_ENDS = {0x2028: "\\u2028", 0x2029: "\\u2029", 0x85: "\\u0085"}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def lines(rows: Iterable[Row], columns: Sequence[str] | None = None) -> bytes:
    """All keys of each row where no columns are named."""
    wanted = rows if columns is None else ({name: row[name] for name in columns} for row in rows)
    text = "".join(_encode(row) + "\n" for row in wanted)
    return text.translate(_LINE_ENDS).encode()


def one_line_each(rendered: bytes) -> bytes:
    """The same escapes, for lines that the database has made."""
    for character, escaped in _LINE_ENDS.items():
        rendered = rendered.replace(chr(character).encode(), escaped.encode())
    return rendered
