"""What goes over a page's socket, encoded once however many sockets receive it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Close codes of our own (docs/live-socket.md); a page does not reconnect after the first three.
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
TOO_SLOW = 4008
AWAY = 4503
# The meaning of these is the standard's.
UNSUPPORTED = 1003
POLICY = 1008
TOO_BIG = 1009
FAILED = 1011
SCOPE_CHANGED = 4409  # Daphne sends 1012 to nobody: the socket would stay open
BUSY = 1013


@dataclass(frozen=True, slots=True)
class Frame:
    text: str
    size: int  # bytes on the wire


@dataclass(frozen=True, slots=True)
class Event:
    """A frame and where it stands in its conversation's journal."""

    seq: int
    frame: Frame


def encode(payload: Mapping[str, Any]) -> Frame:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Frame(text=text, size=len(text.encode("utf-8", "replace")))


RESYNC = encode({"type": "resync"})
HEARTBEAT = encode({"type": "heartbeat"})
