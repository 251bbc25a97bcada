"""What a worker commits about a translation. Texts go to `MessageText`, facts to `Translation`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings

from conversations.guest_language import Weight
from conversations.models import Conversation, DeadLetter, JournalEntry, Message, MessageText
from conversations.services.guest_language import note_text
from conversations.services.journal import commitment, new_salt
from conversations.services.replies import queue_reply
from conversations.services.transitions import (
    DeliveryStatus,
    keep_dead_letter,
    queue_delivery,
    set_aside_if_too_old,
    start_sending,
    status_of,
)
from conversations.services.unit import Plain, Unit
from translation.models import Translation

Pending = Message.TranslationState.PENDING


@dataclass(frozen=True, slots=True)
class Made:
    """A translation as it was made: language as found by the provider, latency in ms."""

    text: str
    source_language: str
    target_language: str
    provider: str
    latency_ms: int
    from_memory: bool = False
    weight: str = Weight.HINT.value  # of the text, as evidence of its guest's language

    def facts(self) -> dict[str, object]:
        return {
            "provider": self.provider,
            "source_language": self.source_language,
            "target_language": self.target_language,
            "latency_ms": self.latency_ms,
            "from_memory": self.from_memory,
        }


@dataclass(frozen=True, slots=True)
class RecordTranslation(Plain):
    """pending → translated, with its delivery; `start`: it is at the head and goes out now."""

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str
    made: Made
    start: bool

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        message = unit.messages[self.message_id]
        delivery = unit.deliveries.get(self.message_id)
        if message.translation_state != Pending or delivery is not None:
            return status_of(delivery) if delivery else DeliveryStatus("", "", 0)
        message.translation_state = Message.TranslationState.TRANSLATED
        unit.changed(message)
        keep_translation(unit, conversation, message, self.made)
        if message.origin == Message.Origin.AGENT:
            delivery = queue_reply(
                unit,
                conversation,
                message,
                text=self.made.text,
                language=self.made.target_language,
            )
        else:
            delivery = queue_delivery(unit, message, text=self.made.text)
        is_too_old = set_aside_if_too_old(unit, conversation, message, delivery)
        if self.start and not is_too_old:
            start_sending(unit, conversation, delivery)
        return status_of(delivery)


@dataclass(frozen=True, slots=True)
class BeginAlone(Plain):
    """A suspect's translation begins, beside no other suspect's: if the worker dies now, it was it.

    Taken back by whoever claims the conversation next, where it was put back and nobody died.
    """

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str

    def apply(self, unit: Unit) -> None:
        unit.conversation(self)
        message = unit.messages[self.message_id]
        message.translation_attempts += 1
        unit.changed(message)


@dataclass(frozen=True, slots=True)
class PutOffAttributes(Plain):
    """Give the conversation back, whose attributes alone are due, at `again_at`; where work came
    after `seen_work_at`, that is due as it stands."""

    conversation_id: int
    owner: str
    seen_work_at: datetime | None
    again_at: datetime
    message_id: None = None

    def apply(self, unit: Unit) -> None:
        conversation = unit.conversation(self)
        if conversation.work_at == self.seen_work_at:
            conversation.work_at = self.again_at
        conversation.lease_owner, conversation.lease_until = "", None
        unit.ledger.touch(conversation)


@dataclass(frozen=True, slots=True)
class PassThrough(Plain):
    """pending → passed through: it is in the agents' language already (TRAP: EN-US is en)."""

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str
    made: Made

    def apply(self, unit: Unit) -> bool:
        conversation = unit.conversation(self)
        message = unit.messages[self.message_id]
        if message.translation_state != Pending:
            return False
        message.translation_state = Message.TranslationState.PASSED_THROUGH
        unit.changed(message)
        unit.create(_translation(message, self.made, unit))
        noted = note_text(conversation, self.made.source_language, self.made.weight)
        unit.ledger.enter(
            conversation,
            JournalEntry.Kind.PASSED_THROUGH,
            message=message,
            data=self.made.facts() | noted,
        )
        return True


@dataclass(frozen=True, slots=True)
class FailTranslation(Plain):
    """pending → failed: the provider will never take this text; the conversation goes on.

    `when_too_old`: only once it has waited here for DELIVERY_TTL_S.
    """

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str
    reason: str
    when_too_old: bool = False

    def apply(self, unit: Unit) -> bool:
        conversation = unit.conversation(self)
        message = unit.messages[self.message_id]
        if message.translation_state != Pending:
            return False
        ttl = timedelta(seconds=settings.DELIVERY_TTL_S)
        if self.when_too_old and unit.now - (message.decided_at or message.received_at) <= ttl:
            return False
        message.translation_state = Message.TranslationState.FAILED
        message.translation_reason = self.reason[:200]
        unit.changed(message)
        unit.ledger.enter(
            conversation,
            JournalEntry.Kind.TRANSLATION_FAILED,
            message=message,
            data={"reason": self.reason[:200]},
        )
        keep_dead_letter(
            unit,
            DeadLetter.Kind.TRANSLATION,
            conversation=conversation,
            message_id=self.message_id,
            reason=self.reason,
            http_status=None,
            body="",
        )
        return True


def keep_translation(unit: Unit, conversation: Conversation, message: Message, made: Made) -> None:
    """Its text, its facts and its entry; what a guest wrote is evidence of their language."""
    text = MessageText(
        message=message,
        role=MessageText.Role.TRANSLATED,
        language=made.target_language,
        text=made.text,
        salt=new_salt(),
    )
    unit.create(text)
    unit.create(_translation(message, made, unit))
    noted = {}
    if message.origin == Message.Origin.GUEST:
        noted = note_text(conversation, made.source_language, made.weight)
    unit.ledger.enter(
        conversation,
        JournalEntry.Kind.TRANSLATED,
        message=message,
        data=made.facts() | noted,
        commitment=commitment(bytes(text.salt), text.text),
    )


def _translation(message: Message, made: Made, unit: Unit) -> Translation:
    return Translation(
        message=message,
        provider=made.provider,
        source_language=made.source_language,
        target_language=made.target_language,
        latency_ms=made.latency_ms,
        from_memory=made.from_memory,
        created_at=unit.now,
    )
