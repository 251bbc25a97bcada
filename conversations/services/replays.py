"""What a decision on a dead letter changes, in the transaction of its journal entry.

A replay puts the row that failed back among those that workers look for; where that cannot be
done, the outcome says why and the letter stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from conversations.models import Conversation, DeadLetter, Delivery, JournalEntry, Message
from conversations.services.decisions import Outcome, at_time
from conversations.services.review import queue_again
from conversations.services.unit import Plain, Unit

Kind = DeadLetter.Kind
Decision = DeadLetter.Decision
Attributes = Delivery.AttributesState
_REPLAYED = "replayed by a person's decision"


@dataclass(frozen=True, slots=True)
class DecideDeadLetter(Plain):
    """The decision and what it changes, in the transaction of its journal entry."""

    reads_message: ClassVar[bool] = True
    letter: DeadLetter
    decision: Decision
    user_id: int
    reason: str = ""
    owner: str = ""

    @property
    def conversation_id(self) -> int:
        assert self.letter.conversation_id is not None  # noqa: S101  those without go another way
        return self.letter.conversation_id

    @property
    def message_id(self) -> int | None:
        return self.letter.message_id

    def apply(self, unit: Unit) -> Outcome:
        conversation = unit.conversation(self)
        is_replay = self.decision is Decision.REPLAYED
        if is_replay and (obstacle := self._obstacle(unit)):
            return Outcome(False, f"{said(self.letter)}: not replayed. {obstacle}")
        if not self.letter.decide(
            self.decision, user_id=self.user_id, now=unit.now, reason=self.reason
        ):
            return refused(self.letter)
        if is_replay:
            self._put_back(unit, conversation)
        kind = JournalEntry.Kind.REPLAYED if is_replay else JournalEntry.Kind.DEAD_LETTER_CLOSED
        unit.ledger.enter(
            conversation,
            kind,
            message=self.message_id,
            data={"dead_letter": self.letter.pk, "of": self.letter.kind},
        )
        return Outcome(True, f"{said(self.letter)}: {self.decision.label}.")

    def _obstacle(self, unit: Unit) -> str:
        """Why it cannot be done once more; empty where it can."""
        message = unit.messages.get(self.letter.message_id or 0)
        if message is None:
            return "It belongs to no message."
        if message.erased_at is not None:
            return "Its text has been erased."
        if self.letter.kind == Kind.TRANSLATION:
            if message.translation_state != Message.TranslationState.FAILED:
                return f"Its translation is {message.get_translation_state_display()} now."
            return ""
        delivery = unit.deliveries.get(message.pk)
        if delivery is None:
            return "It has no delivery."
        if self.letter.kind == Kind.DELIVERY:
            if delivery.state != Delivery.State.FAILED:
                return f"Its delivery is {delivery.get_state_display()} now."
            return ""
        return _obstacle_to_attributes(message, delivery)

    def _put_back(self, unit: Unit, conversation: Conversation) -> None:
        message = unit.messages[self.letter.message_id or 0]
        if self.letter.kind == Kind.TRANSLATION:
            _translate_again(unit, message)
        elif self.letter.kind == Kind.DELIVERY:
            queue_again(unit, conversation, unit.deliveries[message.pk], reason=_REPLAYED)
        else:
            delivery = unit.deliveries[message.pk]
            delivery.attributes_state = Attributes.PENDING
            unit.changed(delivery)
        conversation.work_at = unit.now


def _translate_again(unit: Unit, message: Message) -> None:
    states = Message.TranslationState
    message.translation_state, message.translation_reason = states.PENDING, ""
    message.translation_attempts, message.decided_at = 0, unit.now
    unit.changed(message)


def _obstacle_to_attributes(message: Message, delivery: Delivery) -> str:
    """A PUT replaces what stands there (protocol §1, TRAP): an old one would undo a newer one."""
    if delivery.attributes_state != Attributes.FAILED:
        return f"Its attributes are {delivery.get_attributes_state_display()} now."
    newer = Delivery.objects.filter(
        conversation_id=message.conversation_id,
        message__seq__gt=message.seq,
        attributes_state__in=(Attributes.PENDING, Attributes.WRITTEN),
    )
    if newer.exists():
        return "A newer message's attributes stand there; writing these would replace them."
    return ""


def said(letter: DeadLetter) -> str:
    place = f" of {letter.conversation.external_id}" if letter.conversation else ""
    return f"Dead letter {letter.pk} ({letter.get_kind_display()}{place})"


def refused(letter: DeadLetter) -> Outcome:
    """Somebody else was first: what they decided, and when."""
    now = DeadLetter.objects.select_related("decided_by").get(pk=letter.pk)
    by = now.decided_by.get_username() if now.decided_by else "somebody"
    when = f", {at_time(now.decided_at)}" if now.decided_at else ""
    decision = now.get_decision_display()
    return Outcome(False, f"{said(letter)}: not done. It is {decision} already: {by}{when}.")
