"""A frame's bytes to a dictionary that the database can hold, or to `Malformed`. Never raises.

Size rule (protocol §1): frames up to 2 MiB are read (the connection's limit); of one that is not
a valid event, the first 64 KiB are kept.
"""

from __future__ import annotations

from typing import Any

from conversations.genesys.events import MAX_KEPT_BYTES, Malformed
from conversations.net.strict_json import InvalidJson, load_json


def decode_frame(data: str | bytes) -> dict[str, Any] | Malformed:
    if not isinstance(data, str):
        return malformed(data, "binary frame")
    try:
        value = load_json(data)
    except InvalidJson as defect:
        return malformed(data, str(defect))
    if not isinstance(value, dict):
        return malformed(data, "not an object")
    return value


def malformed(data: str | bytes, reason: str) -> Malformed:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    return Malformed(raw[:MAX_KEPT_BYTES], reason, len(raw))
