"""Frames that a platform should never send, and what is to become of each."""

from __future__ import annotations

import json
from typing import Any

KEPT_BYTES = 64 * 1024
BIG = 3 * 512 * 1024  # 1.5 MiB: below the limit of a frame
CONVERSATION = "conv-hostile"


def message(**changes: Any) -> dict[str, Any]:
    """A good one but for `changes`; a field changed to `...` is left out."""
    whole = {
        "type": "message",
        "conversationId": CONVERSATION,
        "id": "msg-hostile",
        "from": {"id": "guest-hostile", "type": "guest", "name": "Anonymous"},
        "to": {"id": "agent-hostile", "type": "agent"},
        "text": "Hola",
        "timestamp": "2024-06-15T10:30:00.000Z",
    } | changes
    return {name: value for name, value in whole.items() if value is not ...}


def _written(changes: dict[str, Any]) -> str:
    return json.dumps(message(**changes))


_WRONG_FIELDS: tuple[dict[str, Any], ...] = (
    {"conversationId": ...},
    {"conversationId": 5},
    {"conversationId": ""},
    {"conversationId": "c" * 201},
    {"id": ["msg"]},
    {"id": "m" * 201},
    {"from": ...},
    {"from": "guest"},
    {"from": {"id": "guest-1", "type": "robot"}},
    {"from": {"id": None, "type": "guest"}},
    {"from": {"id": "g" * 201, "type": "guest"}},
    {"text": 7},
    {"text": {"en": "Hello"}},
    {"timestamp": ...},
    {"timestamp": 1718447400},
    {"timestamp": "yesterday"},
    {"timestamp": "9999-12-31T23:59:59-14:00"},
    {"type": ...},
    {"type": None},
    {"type": "typing", "state": "asleep"},
    {"type": "readReceipt", "messageId": 9},
)

# Each of them ends as a dead letter.
MALFORMED: tuple[str | bytes, ...] = (
    "",
    "not JSON",
    '{"type": "message", ',
    "null",
    "[]",
    '"message"',
    "\x00",
    b"\x00\xff\xfe",
    json.dumps(message()).encode(),  # right, but in a binary frame
    _written({"n": float("nan")}),
    _written({"n": float("inf")}),
    _written({}).replace('"Hola"', "1e999"),
    _written({}).replace('"Hola"', "9" * 5000),
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
    '{"type": "message", "text": "' + "x" * BIG,
    b"\x01" * BIG,
    *(_written(changes) for changes in _WRONG_FIELDS),
)

# Odd, but readable: none of them is a dead letter, and none stops the stream.
ODD: tuple[str, ...] = (
    '{"type": "somethingNew", "conversationId": "c"}',
    _written({"to": None, "id": "msg-no-recipient"}),
    _written({"from": {"id": "guest-hostile", "type": "guest", "name": {"a": 1}}, "id": "m-name"}),
    _written({"id": ..., "timestamp": "2024-06-15T12:30:00+02:00"}),
    "\ufeff" + _written({"id": "msg-mark"}),
    json.dumps({"type": "typing", "conversationId": "nobody", "state": "active",
                "from": {"id": "g", "type": "guest"}}),
    json.dumps({"type": "readReceipt", "conversationId": "nobody", "messageId": "none",
                "from": {"id": "a", "type": "agent"}, "timestamp": "2024-06-15T10:30:00Z"}),
)  # fmt: skip


def as_bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()
