"""JSON lines: one object a row, UTF-8, keys in the order of the columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from conversations.exports.base import Rows

PROGRESS_EVERY = 1_000


class Sink(Protocol):
    def write(self, text: str, /) -> object: ...


def write(rows: Rows, stream: Sink, *, on_progress: Callable[[int], None]) -> int:
    """Write all rows; returns how many. `on_progress` is told every thousand."""
    count = 0
    for row in rows:
        # TRAP: U+2028 and U+2029 end a line for some readers of lines; JSON may escape them.
        line = json.dumps(row, ensure_ascii=False).translate(_LINE_ENDS)
        stream.write(line + "\n")
        count += 1
        if count % PROGRESS_EVERY == 0:
            on_progress(count)
    return count


_LINE_ENDS = {0x2028: "\\u2028", 0x2029: "\\u2029", 0x85: "\\u0085"}
