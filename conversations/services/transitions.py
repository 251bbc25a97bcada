"""The steps of a delivery from state to state, each with its journal entry (states: design.md).

They are taken inside a change that a worker or a person commits (delivery.py, review.py): nothing
here decides whether it may be taken.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from conversations.keys import echo_key
from conversations.models import (
    Conversation,
    DeadLetter,
    DeadLetterBody,
    Delivery,
    JournalEntry,
    Message,
)
from conversations.parts import Part
from conversations.services import parts
from conversations.services.unit import Unit

logger = logging.getLogger(__name__)

Kind = JournalEntry.Kind
State = Delivery.State
_DIRECTION = {
    Message.Origin.GUEST: Delivery.Direction.GUEST_TO_AGENT,
    Message.Origin.AGENT: Delivery.Direction.AGENT_TO_GUEST,
}


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """Where a delivery stands after a change; `part_…`: which part of its text is at hand;
    `sending_at`: when its last sending began."""

    state: str
    external_id: str
    attempts: int
    part_from: int = 0
    part_chars: int = 0
    sending_at: datetime | None = None


def status_of(delivery: Delivery) -> DeliveryStatus:
    return DeliveryStatus(
        delivery.state,
        delivery.external_id,
        delivery.attempts,
        delivery.part_from,
        delivery.part_chars,
        delivery.sending_at,
    )


def queue_delivery(unit: Unit, message: Message, *, text: str) -> Delivery:
    """A new delivery of `text` for `message`; the caller decides whether it starts at once."""
    delivery = Delivery(
        conversation_id=message.conversation_id,
        message=message,
        direction=_DIRECTION[Message.Origin(message.origin)],
        echo_key=echo_key(text),
        created_at=unit.now,
    )
    unit.deliveries[message.pk] = delivery
    unit.create(delivery)
    return delivery


def start_sending(unit: Unit, conversation: Conversation, delivery: Delivery) -> None:
    """queued → sending: must be committed before the first byte leaves (reliability §5.3.1)."""
    delivery.state = State.SENDING
    delivery.attempts += 1
    delivery.sending_at = unit.now
    unit.changed(delivery)
    unit.ledger.enter(
        conversation,
        Kind.SENDING,
        message=delivery.message_id,
        data={"attempt": delivery.attempts},
    )


def settle(
    unit: Unit, conversation: Conversation, delivery: Delivery, *, state: State, reason: str
) -> None:
    """Give a delivery a state that needs no more than its reason."""
    reason = reason[:200] if state == State.AMBIGUOUS else parts.partly(delivery, reason)
    delivery.state = state
    delivery.reason = reason
    unit.changed(delivery)
    unit.ledger.enter(
        conversation, Kind(state.value), message=delivery.message_id, data={"reason": reason}
    )


def confirm(
    unit: Unit, conversation: Conversation, delivery: Delivery, *, by: str, external_id: str
) -> None:
    """It is known to stand in the conversation; now its attributes are due (protocol §1), or the
    part that follows."""
    then = parts.following(delivery)
    if then is not None:
        _confirm_part(unit, conversation, delivery, then, by=by, external_id=external_id)
        return
    delivery.state = State.CONFIRMED
    delivery.confirmed_at = unit.now
    delivery.confirmed_by = by
    delivery.reason = ""
    delivery.external_id = delivery.external_id or external_id
    if delivery.owes_attributes(conversation):
        delivery.attributes_state = Delivery.AttributesState.PENDING
    unit.changed(delivery)
    unit.ledger.enter(
        conversation,
        Kind.CONFIRMED,
        message=delivery.message_id,
        data={"by": by, "attempt": delivery.attempts, "external_id": delivery.external_id},
    )


def _confirm_part(
    unit: Unit,
    conversation: Conversation,
    delivery: Delivery,
    then: Part,
    *,
    by: str,
    external_id: str,
) -> None:
    attempt = delivery.attempts
    part = parts.keep_part(delivery, then, by=by, external_id=external_id, now=unit.now)
    unit.changed(delivery)
    unit.ledger.enter(
        conversation,
        Kind.PART_CONFIRMED,
        message=delivery.message_id,
        data={
            "by": by,
            "attempt": attempt,
            "external_id": external_id,
            "part_from": part.part_from,
        },
    )


def note_duplicates(
    unit: Unit, conversation: Conversation, delivery: Delivery, ids: Sequence[str]
) -> None:
    """The history shows it more than once: an incident that a person is told of (protocol §1)."""
    for external_id in ids:
        unit.ledger.enter(
            conversation,
            Kind.DUPLICATE,
            message=delivery.message_id,
            data={"seen": "history", "external_id": external_id},
        )
    if ids:
        delivery.duplicates = max(delivery.duplicates, len(ids))
        unit.changed(delivery)
        logger.error("the delivery of message %s stands twice", delivery.message_id)


def set_aside_if_too_old(
    unit: Unit, conversation: Conversation, message: Message, delivery: Delivery
) -> bool:
    """Nothing old is delivered by itself (reliability I7): what was late already when it reached
    us has expired; what grew old here is put before a person."""
    ttl = timedelta(seconds=settings.DELIVERY_TTL_S)
    # The guest's own time where the message reached us late, ours otherwise (clock skew).
    written = message.sent_at if message.backfilled else message.received_at
    if unit.now - (message.decided_at or written) <= ttl:
        return False
    arrived_late = message.decided_at is None and message.received_at - message.sent_at > ttl
    state = State.EXPIRED if arrived_late else State.REVIEW
    reason = "older than DELIVERY_TTL_S" + (" when received" if arrived_late else "")
    settle(unit, conversation, delivery, state=state, reason=reason)
    return True


def keep_dead_letter(
    unit: Unit,
    kind: DeadLetter.Kind,
    *,
    conversation: Conversation,
    message_id: int,
    reason: str,
    http_status: int | None,
    body: str,
) -> None:
    """Keep what could not be done where a person sees it; rare, so written at once."""
    letter = DeadLetter.objects.create(
        kind=kind,
        conversation=conversation,
        message_id=message_id,
        reason=reason[:200],
        http_status=http_status,
        size=len(body),
        created_at=unit.now,
    )
    if body:
        DeadLetterBody.objects.create(dead_letter=letter, body=body[:2000].encode())
