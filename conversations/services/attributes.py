"""The outcome of an attributes PUT: an append-only audit and the delivery's own state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from conversations.models import AttributeAudit, DeadLetter, Delivery, JournalEntry, MessageText
from conversations.services.delivery import keep_dead_letter
from conversations.services.journal import commitment
from conversations.services.unit import Unit

KEYS = ("originalLanguage", "originalText", "translationTimestamp")


@dataclass(frozen=True, slots=True)
class RecordAttributes:
    """One PUT's end, written or permanently refused."""

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
        text = MessageText.objects.filter(
            message_id=self.message_id, role=MessageText.Role.ORIGINAL
        ).first()
        proof = commitment(bytes(text.salt), text.text) if text else ""
        unit.create(
            AttributeAudit(
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
                before=self._last_confirmed(unit),
            )
        )
        kind = JournalEntry.Kind
        unit.ledger.enter(
            conversation,
            kind.ATTRIBUTES_WRITTEN if written else kind.ATTRIBUTES_FAILED,
            message=self.message_id,
            data={"keys": list(KEYS), "status": self.http_status, "language": self.original_language},
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

    def _settle(self, unit: Unit, delivery: Delivery, *, written: bool) -> None:
        states = Delivery.AttributesState
        delivery.attributes_state = states.WRITTEN if written else states.FAILED
        unit.update(
            delivery, "attributes_state", where={"attributes_state": states.PENDING}
        )

    def _last_confirmed(self, unit: Unit) -> AttributeAudit | None:
        return (
            AttributeAudit.objects.filter(conversation_id=self.conversation_id, status="written")
            .order_by("-id")
            .only("pk")
            .first()
        )
