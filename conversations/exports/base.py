"""What an export is asked for, and the columns it promises in their order (design.md, Commands)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from conversations.models import Conversation

PAGE = 1_000

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
# The key of a row, in the order of the rows; kept as JSON where a job goes on from it.
Position = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows: of these conversations, of guests who speak `language`, received from `since` on
    and before `until`; all where nothing is said.

    `export` is the key of an Export whose heads bound the rows: then its conversations count.
    """

    conversation: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    conversations: tuple[str, ...] = ()
    language: str = ""
    export: int | None = None

    def names(self) -> tuple[str, ...]:
        """The platform's ids that were asked for."""
        own = (self.conversation,) if self.conversation is not None else ()
        return (*own, *self.conversations)


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Row]
    last: Position | None  # None: a job cannot go on from here, it begins again


class Source(Protocol):
    """One kind of export. Settings name it in EXPORTS: a class of this shape, or a plain function
    from Scope to rows (`sources.PlainSource`)."""

    columns: Sequence[str]
    formats: Sequence[str]

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        """Those that have rows in `scope`."""
        ...

    def count(self, scope: Scope) -> int | None:
        """How many rows there will be about; None where that is not known."""
        ...

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]: ...


def iso(value: datetime | None) -> str | None:
    return value.isoformat(timespec="microseconds") if value else None
