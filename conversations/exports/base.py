"""What an export is asked for, and the columns it promises in their order (design.md, Commands)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TRANSCRIPT_COLUMNS = (
    "conversation_id",
    "seq",
    "message_id",
    "direction",
    "sender_type",
    "sender_id",
    "sender_name",
    "sent_at",
    "received_at",
    "original_text",
    "original_language",
    "language_confidence",
    "translated_text",
    "target_language",
    "delivered_text",
    "delivery_state",
    "delivered_at",
    "provider",
    "provider_latency_ms",
    "from_memory",
    "attributes_before",
    "attributes_after",
    "attributes_written_at",
    "attachments",
    "read_at",
    "redactions",
    "erased_at",
    "journal_digest",
)

Row = Mapping[str, Any]
Rows = Iterator[Row]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages: of one conversation, received from `since` on and before `until`."""

    conversation: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def iso(value: datetime | None) -> str | None:
    return value.isoformat(timespec="microseconds") if value else None
