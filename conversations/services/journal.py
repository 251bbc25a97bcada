"""Writes the journal: gap-free, chained per conversation, in the transaction of the change.

The digest is an HMAC over the entry exactly as it is stored (docs/journal.md); its key lives
outside the database. Nothing here ever sees a message's text, only the commitment to it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quoted
from typing import Any

from conversations.keys import Seal, journal_key, seal_of
from conversations.models import Conversation, JournalEntry, Message
from conversations.models.bulk import among, insert_values, select_rows, update
from conversations.models.trip import Trip

# What may change on a conversation while its row is locked for a journal entry.
_CONVERSATION_FIELDS = (
    "seq",
    "head",
    "state",
    "guest_id",
    "guest_name",
    "guest_language",
    "language_basis",
    "language_count",
    "rival_language",
    "rival_count",
    "agent_id",
    "agent_name",
    "last_event_at",
    "closed_at",
    "work_at",
    "lease_owner",
    "lease_until",
    "last_audit_id",
    "has_copies",
)


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def new_salt() -> bytes:
    return os.urandom(16)


def commitment(salt: bytes, text: str) -> str:
    """Binds the journal to a text without holding it: sha256 over salt and UTF-8 text."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def canonical(data: Mapping[str, Any] | None) -> str:
    if not data:
        return ""
    return _canonical(data)


def body_of(
    conversation: str,
    seq: int,
    kind: str,
    actor: str,
    at: datetime,
    message_id: int | None,
    data: str,
    commitment: str,
    previous: str,
) -> bytes:
    """What the digest (`keys.Seal`) is over: the array as `json` writes it without spaces and
    without escaping what is not ASCII, put together by hand (millions are verified)."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    message = "null" if message_id is None else message_id
    return (
        f'[{_quoted(conversation)},{seq},{_quoted(kind)},{_quoted(actor)},"{moment}",{message},'
        f"{_quoted(data)},{_quoted(commitment)},{_quoted(previous)}]"
    ).encode()


@dataclass(slots=True)
class _Draft:
    conversation: Conversation
    seq: int
    kind: str
    actor: str
    at: datetime
    message: Message | int | None
    data: str
    commitment: str


class Ledger:
    """Journal entries of one transaction; the conversations' rows are locked by the caller."""

    def __init__(self, *, actor: str, now: datetime) -> None:
        self.actor = actor
        self.now = now
        self._drafts: list[_Draft] = []
        self._touched: dict[int, tuple[Conversation, int]] = {}

    def touch(self, conversation: Conversation) -> None:
        """Have the conversation's own fields written at `flush`."""
        self._touched.setdefault(conversation.pk, (conversation, conversation.seq))

    def enter(
        self,
        conversation: Conversation,
        kind: JournalEntry.Kind,
        *,
        message: Message | int | None = None,
        data: Mapping[str, Any] | None = None,
        commitment: str = "",
        actor: str = "",
    ) -> int:
        """Add an entry; returns its seq. A new message gets its key before `flush`."""
        self.touch(conversation)
        conversation.seq += 1
        self._drafts.append(
            _Draft(
                conversation=conversation,
                seq=conversation.seq,
                kind=kind.value,
                actor=actor or self.actor,
                at=self.now,
                message=message,
                data=canonical(data),
                commitment=commitment,
            )
        )
        return conversation.seq

    def flush(self) -> list[tuple[int, int]]:
        """`write` as a trip of its own."""
        trip = Trip()
        moved = self.write(trip)
        trip.go()
        return moved

    def write(self, trip: Trip) -> list[tuple[int, int]]:
        """Write entries and heads; returns (conversation key, head seq) of those that moved."""
        seal = seal_of(journal_key())
        insert_values(trip, JournalEntry, [self._chained(draft, seal) for draft in self._drafts])
        touched = list(self._touched.values())
        update(
            trip,
            [conversation for conversation, _ in touched],
            fields=_CONVERSATION_FIELDS,
            where=[{"seq": seq} for _, seq in touched],
        )
        return [
            (conversation.pk, conversation.seq)
            for conversation, seq in touched
            if conversation.seq != seq
        ]

    def _chained(self, draft: _Draft, seal: Seal) -> tuple[Any, ...]:
        """The entry's values in the order of the model's fields."""
        conversation = draft.conversation
        message_id = draft.message.pk if isinstance(draft.message, Message) else draft.message
        values = (
            draft.seq,
            draft.kind,
            draft.actor,
            draft.at,
            message_id,
            draft.data,
            draft.commitment,
            conversation.head,
        )
        conversation.head = seal.digest(body_of(conversation.external_id, *values))
        return (conversation.pk, *values, conversation.head)


def lock_conversations(ids: Iterable[int]) -> list[Conversation]:
    """Lock the rows in the order of their keys, so that two writers cannot dead-lock."""
    return select_rows(Conversation, *among("id", set(ids)), lock=True)
