"""A person's word on a delivery under review: it is there, send again, drop (protocol §1,
Injecting; reliability §5.3.6). Nobody else may end a review but the delivery's own echo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from conversations.models import Conversation, Delivery, JournalEntry
from conversations.services.decisions import AT_ONCE, Outcome, at_time, commit, name_of
from conversations.services.transitions import confirm, settle
from conversations.services.unit import Plain, Unit

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

State = Delivery.State
_SENT_AGAIN = "sent again by a person's decision"
_DROPPED = "dropped by a person's decision"


class Decision(StrEnum):
    IS_THERE = "is_there"
    SEND_AGAIN = "send_again"
    DROP = "drop"


_DONE = {
    Decision.IS_THERE: "marked as delivered",
    Decision.SEND_AGAIN: "queued to be sent again",
    Decision.DROP: "dropped",
}


def token_of(delivery: Delivery) -> str:
    """What a decision is about: the delivery, and its attempts as a page shows them."""
    return f"{delivery.pk}-{delivery.attempts}"


def seen_in(tokens: Iterable[str]) -> dict[int, int]:
    """Key → attempts of what a page sends back; what is no token is left out."""
    pairs = (token.partition("-")[::2] for token in tokens)
    return {int(key): int(count) for key, count in pairs if is_key(key) and is_key(count)}


def is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # fits the database's integers


def decide_deliveries(
    seen: Mapping[int, int], decision: Decision, *, user: AbstractBaseUser
) -> list[Outcome]:
    """Apply `decision` to deliveries: key → attempts as the person saw them.

    One that is no longer under review, or was sent since, is left alone and its outcome says so.
    """
    rows = Delivery.objects.in_bulk(list(seen))
    changes = [
        DecideDelivery(row.conversation_id, row.source_id, decision, seen[pk])
        for pk, row in sorted(rows.items())
    ]
    outcomes = [Outcome(False, f"There is no delivery {pk}.") for pk in sorted(set(seen) - {*rows})]
    for start in range(0, len(changes), AT_ONCE):
        outcomes += commit(changes[start : start + AT_ONCE], user=user)
    return outcomes


@dataclass(frozen=True, slots=True)
class DecideDelivery(Plain):
    """review → confirmed, queued or dropped; the conversation's row is locked meanwhile."""

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    decision: Decision
    attempts: int
    owner: str = ""

    def apply(self, unit: Unit) -> Outcome:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        where = f"{conversation.external_id}, message {unit.messages[self.message_id].seq}"
        if delivery.state != State.REVIEW:
            return Outcome(False, f"{where}: not done. {_what_it_is_now(delivery)}")
        if delivery.attempts != self.attempts:
            return Outcome(
                False, f"{where}: not done. It was sent again since you saw it; look once more."
            )
        if self.decision is Decision.IS_THERE and not delivery.attempts:
            return Outcome(False, f"{where}: not done. It was never sent: send it, or drop it.")
        is_erased = unit.messages[self.message_id].erased_at is not None
        if self.decision is Decision.SEND_AGAIN and is_erased:
            return Outcome(False, f"{where}: not done. Its text has been erased.")
        self._decide(unit, conversation, delivery)
        return Outcome(True, f"{where}: {_DONE[self.decision]}.")

    def _decide(self, unit: Unit, conversation: Conversation, delivery: Delivery) -> None:
        if self.decision is Decision.DROP:
            settle(unit, conversation, delivery, state=State.DROPPED, reason=_DROPPED)
            return
        if self.decision is Decision.IS_THERE:
            confirm(unit, conversation, delivery, by="person", external_id="")
            if delivery.state == State.QUEUED:  # the part that follows goes out, however late it is
                message = unit.messages[self.message_id]
                message.decided_at = unit.now
                unit.changed(message)
        else:
            queue_again(unit, conversation, delivery, reason=_SENT_AGAIN)
            unit.ledger.enter(
                conversation,
                JournalEntry.Kind.REQUEUED,
                message=delivery.message_id,
                data={"reason": _SENT_AGAIN, "attempt": delivery.attempts},
            )
        conversation.work_at = unit.now


def queue_again(unit: Unit, conversation: Conversation, delivery: Delivery, *, reason: str) -> None:
    """review or failed → queued, however old it is: a person has decided. The caller journals."""
    before, message = delivery.state, unit.messages[delivery.source_id]
    delivery.state, delivery.reason = State.QUEUED, reason
    delivery.external_id = delivery.confirmed_by = ""
    delivery.confirmed_at = delivery.echoed_at = None
    if before == State.REVIEW:  # its fate is unknown: an echo may still be of that sending
        delivery.earlier_sending_at = delivery.earlier_sending_at or delivery.sending_at
    delivery.attributes_state = Delivery.AttributesState.NONE
    unit.changed(delivery)
    message.decided_at = unit.now
    unit.changed(message)
    conversation.work_at = unit.now


def _what_it_is_now(delivery: Delivery) -> str:
    """Who was faster; within one transaction of several decisions the journal does not know."""
    entries = JournalEntry.objects.filter(message_id=delivery.source_id)
    last = entries.exclude(kind=JournalEntry.Kind.REVIEW).order_by("-seq").first()
    state = delivery.get_state_display()
    if last is None:
        return f"It is {state} already."
    return f"It is {state} already: {name_of(last.actor)}, {at_time(last.at)}."
