"""The outcome of an attributes PUT: an append-only audit and the delivery's own state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetter,
    Delivery,
    JournalEntry,
    MessageText,
)
from conversations.models.bulk import among, ask_rows
from conversations.models.trip import Answer, Trip
from conversations.services.journal import commitment
from conversations.services.transitions import keep_dead_letter
from conversations.services.unit import Change, Plain, Unit

KEYS = ("originalLanguage", "originalText", "translationTimestamp")


def _originals(changes: Sequence[Change], trip: Trip) -> Answer[dict[int, MessageText]]:
    """The original texts of all messages of the transaction, by message key."""
    ids = {one.message_id for one in changes if isinstance(one, RecordAttributes)}
    where, keys = among("message_id", ids)
    rows = ask_rows(
        trip, MessageText, f"{where} AND role = %s", [*keys, MessageText.Role.ORIGINAL.value]
    )
    return rows.then(lambda found: {row.message_id: row for row in found})


@dataclass(frozen=True, slots=True)
class RecordAttributes(Plain):
    """One PUT's end, written or permanently refused."""

    shared: ClassVar = (_originals,)
    draws: ClassVar = (AttributeAudit,)
    conversation_id: int
    message_id: int
    owner: str
    original_language: str
    target_language: str
    translation_timestamp: datetime
    http_status: int | None
    reason: str = ""
    body: str = ""

    def apply(self, unit: Unit) -> bool:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        if delivery.attributes_state != Delivery.AttributesState.PENDING:
            return False
        written = not self.reason
        self._settle(unit, delivery, written=written)
        text = unit.shared(_originals).get(self.message_id)
        proof = commitment(bytes(text.salt), text.text) if text else ""
        audit = AttributeAudit(
            conversation=conversation,
            message_id=self.message_id,
            keys=list(KEYS),
            original_language=self.original_language,
            target_language=self.target_language,
            translation_timestamp=self.translation_timestamp,
            written_at=unit.now,
            status="written" if written else "failed",
            http_status=self.http_status,
            answer=self.reason[:2000],
            commitment=proof,
            text=text,
            before_id=self._before(unit, conversation),
        )
        unit.create(audit)
        if written:
            unit.written[self.conversation_id] = audit
            unit.when_inserted(lambda: setattr(conversation, "last_audit_id", audit.pk))
        kind = JournalEntry.Kind
        unit.ledger.enter(
            conversation,
            kind.ATTRIBUTES_WRITTEN if written else kind.ATTRIBUTES_FAILED,
            message=self.message_id,
            data={
                "keys": list(KEYS),
                "status": self.http_status,
                "language": self.original_language,
            },
            commitment=proof,
        )
        if not written:
            keep_dead_letter(
                unit,
                DeadLetter.Kind.ATTRIBUTES,
                conversation=conversation,
                message_id=self.message_id,
                reason=self.reason,
                http_status=self.http_status,
                body=self.body,
            )
        return True

    def _before(self, unit: Unit, conversation: Conversation) -> int | None:
        """What this PUT replaced: our last write, which may be of this same transaction."""
        here = unit.written.get(self.conversation_id)
        if here is None:
            return conversation.last_audit_id
        unit.create_now(here)
        return here.pk

    def _settle(self, unit: Unit, delivery: Delivery, *, written: bool) -> None:
        states = Delivery.AttributesState
        delivery.attributes_state = states.WRITTEN if written else states.FAILED
        unit.changed(delivery)
