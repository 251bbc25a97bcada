"""What goes over a page's socket, encoded once however many sockets receive it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Close codes of our own (docs/live-socket.md). None of the standard's: Autobahn, below Daphne, lets
# an application send 1000 and 3000 to 4999 alone, and makes 1011 of every other.
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404  # a page does not come back after these three
BAD_MESSAGE = 4400
TOO_SLOW = 4008
SCOPE_CHANGED = 4409
TOO_LARGE = 4413
TOO_MANY = 4429
FAILED = 4500
AWAY = 4503
BUSY = 4513

# Daphne's `--websocket-max-message-size` bounds what is sent as well: a larger message is an error
# of its socket. It is set to 65,536 (image, embedded mode).
MESSAGE_BYTES = 60_000
BATCH_BYTES = 48 * 1024  # of frames that are put together
_PIECE_CHARACTERS = 14_000  # of at most 4 bytes each, whatever they are


@dataclass(frozen=True)
class Frame:
    """A message on its way to pages."""

    text: str
    size: int  # bytes on the wire

    @cached_property
    def pieces(self) -> tuple[Frame, ...]:
        """Itself, or what it is sent as; cut once however many sockets receive it."""
        if self.size <= MESSAGE_BYTES:
            return (self,)
        starts = range(0, len(self.text), _PIECE_CHARACTERS)
        return tuple(
            encode(
                {
                    "type": "part",
                    "text": self.text[start : start + _PIECE_CHARACTERS],
                    "last": start == starts[-1],
                }
            )
            for start in starts
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A frame, or several in one message, and the seq that whoever has them has come to."""

    seq: int
    frame: Frame


def encode(payload: Mapping[str, Any]) -> Frame:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Frame(text=text, size=len(text.encode("utf-8", "replace")))


def batched(events: Iterable[Event]) -> Iterator[Event]:
    """Events in as few messages as BATCH_BYTES allow: a socket is written to once for many."""
    part: list[Event] = []
    size = 0
    for event in events:
        if part and size + event.frame.size > BATCH_BYTES:
            yield _together(part)
            part, size = [], 0
        part.append(event)
        size += event.frame.size
    if part:
        yield _together(part)


def _together(events: list[Event]) -> Event:
    if len(events) == 1:
        return events[0]
    text = ",".join(event.frame.text for event in events)
    size = sum(event.frame.size for event in events) + len(events) + 1
    return Event(seq=events[-1].seq, frame=Frame(text=f"[{text}]", size=size))


RESYNC = encode({"type": "resync"})
HEARTBEAT = encode({"type": "heartbeat"})
