"""One event of the messaging wire as a dictionary, checked by hand: 20,000 a second and more.

Used for frames and for the history alike. Decided here (D): an id is a string of 1 to 200
characters, which is what a row holds, and a longer name is cut to as many; a message without a
readable ISO 8601 timestamp has no place and no identity, so it is malformed (and kept); a time
without an offset is UTC; a name or recipient of a wrong shape is left out rather than the message
with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from conversations.genesys.attachments import attachments_of
from conversations.genesys.events import (
    ContextChanged,
    Event,
    Ignored,
    MessageRead,
    MessageReceived,
    Participant,
    TypingChanged,
)

MAX_ID = 200
_MAX_TYPE = 64
_MAX_NAME = 200
_MAX_TAG = 35


class InvalidEvent(ValueError):
    """Names the field, never its content."""


def event_of(frame: Mapping[str, Any], *, backfilled: bool = False) -> Event:
    kind = frame.get("type")
    if kind == "message":
        return _message(frame, backfilled=backfilled)
    if kind == "typing":
        return _typing(frame)
    if kind == "readReceipt":
        return _read_receipt(frame)
    if kind == "context":
        return _context(frame)
    if not isinstance(kind, str):
        raise InvalidEvent("type is missing or not a string")
    return Ignored(kind[:_MAX_TYPE])


def _message(frame: Mapping[str, Any], *, backfilled: bool) -> MessageReceived:
    text = frame.get("text")
    if text is None:
        text = ""  # an attachment: recorded, not translated
    elif not isinstance(text, str):
        raise InvalidEvent("text is not a string")
    return MessageReceived(
        _id(frame, "conversationId"),
        _optional_id(frame, "id"),
        _sender(frame),
        _recipient(frame.get("to")),
        text,
        moment(frame.get("timestamp")),
        frame,
        backfilled,
        attachments_of(frame["attachments"]) if "attachments" in frame else (),
    )


def _typing(frame: Mapping[str, Any]) -> TypingChanged:
    state = frame.get("state")
    if state not in ("active", "inactive"):
        raise InvalidEvent("state is neither active nor inactive")
    return TypingChanged(_id(frame, "conversationId"), _sender(frame), state)


def _read_receipt(frame: Mapping[str, Any]) -> MessageRead:
    return MessageRead(
        _id(frame, "conversationId"),
        _sender(frame),
        _id(frame, "messageId"),
        moment(frame.get("timestamp")),
    )


def _context(frame: Mapping[str, Any]) -> ContextChanged | Ignored:
    """D: the org socket may tell what a guest's page sets (§2). Without a language it is of no
    use."""
    context = frame.get("context")
    language = context.get("preferredLanguage") if isinstance(context, dict) else None
    if not isinstance(language, str) or not 0 < len(language) <= _MAX_TAG:
        return Ignored("context")
    return ContextChanged(_id(frame, "conversationId"), language)


def _sender(frame: Mapping[str, Any]) -> Participant:
    sender = frame.get("from")
    if not isinstance(sender, dict):
        raise InvalidEvent("from is not an object")
    kind = sender.get("type")
    if kind not in ("guest", "agent"):
        raise InvalidEvent("from.type is neither guest nor agent")
    return Participant(_id(sender, "id"), kind, _name(sender))


def _recipient(value: object) -> Participant | None:
    """May be named by type alone, as our own deliveries do."""
    if not isinstance(value, dict):
        return None
    kind, identifier = value.get("type"), value.get("id")
    if kind not in ("guest", "agent"):
        return None
    if not isinstance(identifier, str) or len(identifier) > MAX_ID:
        identifier = ""
    return Participant(identifier, kind, _name(value))


def _name(participant: Mapping[str, Any]) -> str:
    name = participant.get("name")
    return name[:_MAX_NAME] if isinstance(name, str) else ""


def _id(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise InvalidEvent(f"{key} is not a string of 1 to {MAX_ID} characters")
    return value


def _optional_id(holder: Mapping[str, Any], key: str) -> str | None:
    return None if holder.get(key) in (None, "") else _id(holder, key)


def moment(value: object) -> datetime:
    """ISO 8601 with `Z` or an offset, as aware UTC with microseconds."""
    if not isinstance(value, str) or "T" not in value:
        raise InvalidEvent("timestamp is missing or not ISO 8601")
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is UTC:
            return parsed
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidEvent("timestamp is missing or not ISO 8601") from None
