"""Stores what was heard of calls: one transaction for whatever has gathered.

Each final chunk is a message of its conversation (channel voice, nobody's: there is no speaker)
with its redacted text, its facts, and its entry in the journal. Stored once, also when the
platform repeats it after a reconnect (protocol §4).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from assist.conf import listed_agents
from assist.models import Chunk
from assist.redaction.redactor import Redacted
from assist.services import metrics
from assist.tally import Tally
from conversations.models import Conversation, JournalEntry, Message, MessageText
from conversations.models.bulk import Keys, among, ask_matching, ask_rows, insert, insert_values
from conversations.models.trip import Trip
from conversations.services.journal import Ledger, commitment, new_salt
from conversations.services.recognition import CLOCK_SKEW

logger = logging.getLogger(__name__)

ACTOR = "gateway"
_EXTERNAL_ID = "conversation__external_id"


@dataclass(slots=True)
class Heard:
    """A final chunk on its way; its text is redacted by the time it is handed on."""

    content_key: str
    media_at: datetime
    received_at: datetime
    latency_ms: int
    is_late: bool
    is_ahead: bool
    confidence: float | None
    media_type: str
    average_latency_ms: int = 0
    average_confidence: float | None = None
    active_streams: int = 1
    redacted: Redacted = field(default_factory=lambda: Redacted(""))


@dataclass(frozen=True, slots=True)
class Batch:
    """What one stream hands on at a time. `amended`: chunks of before, to be said less of."""

    interaction_id: str
    chunks: Sequence[Heard] = ()
    amended: Sequence[tuple[str, Redacted]] = ()  # content key, what remains
    tally: Tally = field(default_factory=Tally)
    redaction_active: bool = True


def as_one(batches: Sequence[Batch]) -> Batch:
    """Batches of one stream, in their order; those handed over stay as they are."""
    tally = Tally()
    for batch in batches:
        tally.merge(batch.tally)
    return replace(
        batches[0],
        chunks=tuple(heard for batch in batches for heard in batch.chunks),
        amended=tuple(one for batch in batches for one in batch.amended),
        tally=tally,
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """`new`: the chunks that were not known, with their messages."""

    conversation_id: int
    new: list[tuple[Heard, Message]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recorded:
    results: list[Stored]
    moved: list[tuple[int, int]]


def record_batches(batches: Sequence[Batch]) -> Recorded:
    now = timezone.now()
    with transaction.atomic():
        return _Recording(batches, now).store()


class _Recording:
    def __init__(self, batches: Sequence[Batch], now: datetime) -> None:
        self._batches = batches
        self._now = now
        self._ledger = Ledger(actor=ACTOR, now=now)
        self._conversations: dict[str, Conversation] = {}
        self._known: dict[tuple[int, str], Message] = {}
        self._new: list[tuple[Message, Heard, bytes, bool]] = []  # with the text's salt
        self._read()

    def _read(self) -> None:
        names = list(dict.fromkeys(batch.interaction_id for batch in self._batches))
        self._look(names)
        missing = [name for name in names if name not in self._conversations]
        if missing:
            _open(missing, now=self._now)
            self._look(names)

    def _look(self, names: Sequence[str]) -> None:
        trip = Trip()
        locked = ask_rows(trip, Conversation, *among("external_id", names), lock=True)
        pairs = {
            (batch.interaction_id, key)
            for batch in self._batches
            for key in (
                *(heard.content_key for heard in batch.chunks),
                *(key for key, _ in batch.amended),
            )
        }
        known = ask_matching(trip, Message, {(_EXTERNAL_ID, "content_key"): pairs})
        self._keys = Keys(trip, Message, sum(len(batch.chunks) for batch in self._batches))
        trip.go()
        self._conversations = {row.external_id: row for row in locked.value}
        self._known = {(row.conversation_id, row.content_key): row for row in known.value}

    def store(self) -> Recorded:
        results = [self._take(batch) for batch in self._batches]
        trip = Trip()
        messages = [message for message, *_ in self._new]
        for message in messages:
            self._keys.give(message)
        insert(trip, messages)
        role = MessageText.Role.ORIGINAL.value
        insert_values(  # as values: an instance of each costs as much again
            trip,
            MessageText,
            [
                (message.pk, role, "", heard.redacted.text, salt)
                for message, heard, salt, _ in self._new
            ],
        )
        insert(trip, [self._chunk(*one) for one in self._new])
        moved = self._ledger.write(trip)
        trip.go()
        for batch in self._batches:
            self._amend(batch)
        if any(batch.amended for batch in self._batches):
            moved = [*moved, *self._ledger_of_amendments.flush()]
        metrics.add(
            {
                self._conversations[batch.interaction_id].pk: batch.tally
                for batch in _merged(self._batches)
                if batch.tally
            },
            now=self._now,
        )
        return Recorded(results, list(dict(moved).items()))

    def _take(self, batch: Batch) -> Stored:
        conversation = self._conversations[batch.interaction_id]
        stored = Stored(conversation_id=conversation.pk)
        for heard in batch.chunks:
            if (conversation.pk, heard.content_key) in self._known:
                batch.tally.counts["repeated"] += 1
                continue
            if conversation.is_erased_at(heard.media_at + CLOCK_SKEW):
                continue  # it is erased, also what comes late of it
            message = self._add(conversation, heard, redaction_active=batch.redaction_active)
            stored.new.append((heard, message))
        return stored

    def _add(self, conversation: Conversation, heard: Heard, *, redaction_active: bool) -> Message:
        salt = new_salt()
        message = Message(
            conversation=conversation,
            origin=Message.Origin.SYSTEM,
            content_key=heard.content_key,
            sent_at=heard.media_at,
            received_at=heard.received_at,
            has_text=bool(heard.redacted.text.strip()),
        )
        message.seq = self._ledger.enter(
            conversation,
            JournalEntry.Kind.RECEIVED,
            message=message,
            data=_said_of(heard),
            commitment=commitment(salt, heard.redacted.text),
        )
        conversation.last_event_at = max(conversation.last_event_at, heard.received_at)
        self._known[conversation.pk, heard.content_key] = message
        self._new.append((message, heard, salt, redaction_active))
        return message

    def _chunk(self, message: Message, heard: Heard, _salt: bytes, redaction_active: bool) -> Chunk:
        kinds = heard.redacted.kinds
        return Chunk(
            message_id=message.pk,
            conversation_id=message.conversation_id,
            media_at=heard.media_at,
            received_at=heard.received_at,
            latency_ms=heard.latency_ms,
            is_late=heard.is_late,
            is_ahead=heard.is_ahead,
            confidence=heard.confidence,
            media_type=heard.media_type,
            kinds=json.dumps(kinds) if kinds else "",
            is_withheld=heard.redacted.is_withheld,
            redaction_active=redaction_active,
            average_latency_ms=heard.average_latency_ms,
            average_confidence=heard.average_confidence,
            active_streams=heard.active_streams,
        )

    def _amend(self, batch: Batch) -> None:
        """A later chunk completed a number: what is stored gets another text, salt and proof."""
        conversation = self._conversations[batch.interaction_id]
        for key, redacted in batch.amended:
            message = self._known.get((conversation.pk, key))
            if message is None or message.pk is None:
                # Erased before it was stored, or it could not be stored.
                logger.warning("call %s: a chunk to amend is not there", batch.interaction_id)
                continue
            salt = new_salt()
            MessageText.objects.filter(
                message_id=message.pk, role=MessageText.Role.ORIGINAL
            ).update(text=redacted.text, salt=salt)
            Chunk.objects.filter(message_id=message.pk).update(kinds=json.dumps(redacted.kinds))
            self._ledger_of_amendments.enter(
                conversation,
                JournalEntry.Kind.REDACTED,
                message=message.pk,
                data={"kinds": dict(redacted.kinds)},
                commitment=commitment(salt, redacted.text),
            )

    @property
    def _ledger_of_amendments(self) -> Ledger:
        """A second one, behind the first: an amended chunk may be of this very transaction."""
        if not hasattr(self, "_later"):
            self._later = Ledger(actor=ACTOR, now=self._now)
        return self._later


def _said_of(heard: Heard) -> dict[str, Any]:
    """For the journal: no text."""
    facts: dict[str, Any] = {
        "origin": "transcription",
        "media_at": heard.media_at.isoformat(),
        "latency_ms": heard.latency_ms,
    }
    if heard.is_late:
        facts["late"] = True
    if heard.redacted.kinds:
        facts["kinds"] = dict(heard.redacted.kinds)
    return facts


def _merged(batches: Iterable[Batch]) -> list[Batch]:
    """One for each interaction, with all that was counted."""
    merged: dict[str, Batch] = {}
    for batch in batches:
        if batch.interaction_id in merged:
            merged[batch.interaction_id].tally.merge(batch.tally)
        else:
            copied = Tally()
            copied.merge(batch.tally)
            merged[batch.interaction_id] = Batch(batch.interaction_id, tally=copied)
    return list(merged.values())


def _open(names: Sequence[str], *, now: datetime) -> None:
    agents = listed_agents()
    Conversation.objects.bulk_create(
        [
            Conversation(
                external_id=name,
                channel=Conversation.Channel.VOICE,
                agent_id=agents.get(name, ""),
                created_at=now,
                last_event_at=now,
            )
            for name in names
        ],
        ignore_conflicts=True,
    )


def open_call(interaction_id: str, *, now: datetime) -> Conversation:
    """The call's conversation, made if nobody has heard of it yet."""
    _open([interaction_id], now=now)
    return Conversation.objects.get(external_id=interaction_id)
