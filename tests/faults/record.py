"""What our database says after a run, as plain values: read by the models, judged elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from conversations.models import AttributeAudit, Delivery, JournalEntry, Message, MessageText
from conversations.services.verification import verify_journal

Kinds = Counter[str]


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """`kinds` are the journal's entries about it; `at_its_seq` the entry that gave it its place."""

    conversation: str
    external_id: str
    origin: str
    translation_state: str
    kinds: Kinds
    at_its_seq: str
    seq: int = 0
    deaths: int = 0  # of workers that had it in hand, untranslated


@dataclass(frozen=True, slots=True)
class RecordedDelivery:
    conversation: str
    source_id: str  # the platform's id of the guest's message
    external_id: str  # … and of what we posted
    original: str
    translated: str
    state: str
    reason: str
    attempts: int
    attributes_state: str
    attributes_written: int  # audits
    sent_at: datetime  # the guest wrote it
    sending_at: datetime | None  # the last attempt
    review_at: datetime | None
    kinds: Kinds


@dataclass(slots=True)
class Record:
    messages: list[RecordedMessage] = field(default_factory=list)
    deliveries: list[RecordedDelivery] = field(default_factory=list)
    broken_chains: list[str] = field(default_factory=list)
    journal_entries: int = 0

    @property
    def unfinished(self) -> list[RecordedDelivery]:
        open_states = {"queued", "sending", "ambiguous"}
        return [
            row
            for row in self.deliveries
            if row.state in open_states or row.attributes_state == "pending"
        ]


def read_record() -> Record:
    report = verify_journal()
    broken = [str(fault) for fault in report.faults]
    if not report.holds and not broken:
        broken = ["the journal does not hold"]
    kinds, reviewed, places = _journal()
    texts: dict[tuple[int, str], str] = {
        (message, role): text
        for message, role, text in MessageText.objects.values_list("message_id", "role", "text")
    }
    written = Counter(
        AttributeAudit.objects.filter(status="written").values_list("message_id", flat=True)
    )
    return Record(
        messages=_messages(kinds, places),
        deliveries=_deliveries(kinds, reviewed, texts, written),
        broken_chains=broken,
        journal_entries=report.entries,
    )


def is_quiet(*, spoken: int) -> bool:
    """Everything that was said is stored, and nothing is left to do."""
    return (
        Message.objects.spoken().count() >= spoken
        and not Message.objects.awaiting_translation().exists()
        and not Delivery.objects.unfinished().exists()
        and not Delivery.objects.awaiting_attributes().exists()
    )


def _journal() -> tuple[dict[int, Kinds], dict[int, datetime], dict[tuple[int, int], str]]:
    kinds: defaultdict[int, Kinds] = defaultdict(Counter)
    reviewed: dict[int, datetime] = {}
    places: dict[tuple[int, int], str] = {}
    last: dict[int, str] = {}
    entries = JournalEntry.objects.order_by("conversation_id", "seq")
    rows = entries.values_list("conversation_id", "seq", "kind", "message_id", "at")
    for conversation, seq, kind, message, at in rows.iterator(chunk_size=5000):
        places[conversation, seq] = kind
        if message is not None:
            kinds[message][kind] += 1
            # Directly behind `sending`: nothing left, and it is counted for none.
            kinds[message]["put back"] += (last.get(message), kind) == ("sending", "requeued")
            last[message] = kind
            if kind == JournalEntry.Kind.REVIEW:
                reviewed[message] = at
    return kinds, reviewed, places


def _messages(kinds: dict[int, Kinds], places: dict[tuple[int, int], str]) -> list[RecordedMessage]:
    rows = Message.objects.values_list(
        "pk", "conversation_id", "seq", "conversation__external_id", "external_id", "origin",
        "translation_state", "translation_attempts",
    )  # fmt: skip
    return [
        RecordedMessage(
            conversation=key,
            external_id=external_id,
            origin=origin,
            translation_state=state,
            kinds=kinds.get(pk, Counter()),
            at_its_seq=places.get((conversation, seq), ""),
            seq=seq,
            deaths=deaths,
        )
        for pk, conversation, seq, key, external_id, origin, state, deaths in rows
    ]


def _deliveries(
    kinds: dict[int, Kinds],
    reviewed: dict[int, datetime],
    texts: dict[tuple[int, str], str],
    written: Counter[int],
) -> list[RecordedDelivery]:
    rows = Delivery.objects.select_related("message", "conversation").order_by("pk")
    return [
        RecordedDelivery(
            conversation=row.conversation.external_id,
            source_id=row.message.external_id,
            external_id=row.external_id,
            original=texts.get((row.message_id, "original"), ""),
            translated=texts.get((row.message_id, "translated"), ""),
            state=row.state,
            reason=row.reason,
            attempts=row.attempts,
            attributes_state=row.attributes_state,
            attributes_written=written[row.message_id],
            sent_at=row.message.sent_at,
            sending_at=row.sending_at,
            review_at=reviewed.get(row.message_id),
            kinds=kinds.get(row.message_id, Counter()),
        )
        for row in rows.iterator(chunk_size=2000)
    ]
