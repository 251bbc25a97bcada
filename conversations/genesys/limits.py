"""What the guest socket takes (protocol §2), checked before anything is sent.

Pure: time is passed in.

TRAP: a counter per second, or one that forgets its newest entries, lets twenty messages through
around the turn of a second. The window here slides: it remembers when the last ten went.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from conversations.genesys.exceptions import (
    AttachmentRefused,
    ContextRefused,
    EmptyMessage,
    GuestInfoRefused,
    TextTooLong,
)

MAX_UNITS = 4096
MAX_ATTACHMENTS = 10
MAX_CONTEXT_BYTES = 32 * 1024  # D: with its envelope it stays below a frame of 64 KiB
MAX_NAME = 200
MAX_EMAIL = 254
MESSAGES = 10
PERIOD_S = 1.0
# The network may push together what left apart: a little more than a second holds there as well.
MARGIN_S = 0.05


def utf16_units(text: str) -> int:
    """How JavaScript and the platform count: an emoji is two."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def check_text(text: str, *, attachments: int = 0) -> None:
    if not text.strip() and not attachments:
        raise EmptyMessage
    if attachments > MAX_ATTACHMENTS:
        raise AttachmentRefused(f"a message takes {MAX_ATTACHMENTS}, and these are {attachments}")
    units = utf16_units(text)
    if units > MAX_UNITS:
        raise TextTooLong(units, MAX_UNITS)


def check_context(context: object) -> Mapping[str, object]:
    """A JSON object of a size that fits a frame."""
    if not isinstance(context, Mapping) or not all(isinstance(key, str) for key in context):
        raise ContextRefused("it must be a JSON object")
    try:
        size = len(json.dumps(context, allow_nan=False).encode("utf-8", "replace"))
    except (ValueError, TypeError, RecursionError):
        raise ContextRefused("it cannot be written as JSON") from None
    if size > MAX_CONTEXT_BYTES:
        raise ContextRefused(f"{size:,} bytes, and {MAX_CONTEXT_BYTES:,} fit")
    return context


def check_guest(name: str, email: str) -> None:
    """As the platform does, which closes with 1006 and no word of why."""
    if not name.strip() or len(name) > MAX_NAME:
        raise GuestInfoRefused("name", f"a name of 1 to {MAX_NAME} characters is needed")
    if not _is_email(email):
        raise GuestInfoRefused("email", "a valid e-mail address is needed, like ana@example.org")


def _is_email(value: str) -> bool:
    local, at, domain = value.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at and local)
        and len(value) <= MAX_EMAIL
        and value.isprintable()
        and not any(character in value for character in ' <>,;:"()[]\\')
        and "@" not in local
        and len(labels) > 1
        and all(label and not label.startswith("-") for label in labels)
        and not local.startswith(".")
        and not local.endswith(".")
    )


@dataclass(slots=True)
class SlidingWindow:
    """At most `messages` in any `period_s`; the caller waits, nothing is dropped."""

    messages: int = MESSAGES
    period_s: float = PERIOD_S + MARGIN_S
    _sent_at: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """How long until the next one may go; 0: now."""
        if len(self._sent_at) < self.messages:
            return 0.0
        return max(0.0, self._sent_at[0] + self.period_s - now)

    def sent(self, now: float) -> None:
        """One has gone. Only the newest ten can matter, so the oldest is forgotten."""
        self._sent_at.append(now)
        if len(self._sent_at) > self.messages:
            self._sent_at.popleft()
