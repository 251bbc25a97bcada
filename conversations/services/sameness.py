"""When an event of the org socket and a copy on the transcript are one message (protocol §3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations.normal_form import nfc

WINDOW = timedelta(seconds=2)


def is_same_text(one: str, other: str) -> bool:
    return one == other or nfc(one) == nfc(other)


def nearness(one: datetime, other: datetime) -> tuple[bool, datetime]:
    """Of several that fit: the one of the same moment, else the oldest, since each socket keeps
    the order in which things were said."""
    return one != other, one
