"""The parts of a delivery that is too long for one message (reliability C16).

One row is the delivery, whatever part of it is at hand: so it keeps its place in the conversation,
and the next message waits until all of it is there. A part that is delivered leaves a row of its
own: a confirmed delivery without a message, whose echo may still come and is recognised like any
other. Whatever ends the delivery before its last part says that it was delivered in part.
"""

from __future__ import annotations

from datetime import datetime

from conversations.keys import echo_key
from conversations.models import Delivery, MessageText
from conversations.parts import Part, part_at

State = Delivery.State
LEAST_CHARS = 20  # a platform that refuses so few has another reason
PARTLY = "delivered in part: "
_POSTED = {
    Delivery.Direction.GUEST_TO_AGENT: MessageText.Role.TRANSLATED,
    Delivery.Direction.AGENT_TO_GUEST: MessageText.Role.DELIVERED,
}


def following(delivery: Delivery) -> Part | None:
    """What is sent after the part at hand; None: that is the last, as nearly always."""
    if not delivery.part_chars:
        return None
    role = _POSTED[Delivery.Direction(delivery.direction)]
    text = MessageText.objects.filter(message_id=delivery.source_id, role=role).first()
    if text is None:  # erased: nothing more is said
        return None
    here = part_at(text.text, start=delivery.part_from, most=delivery.part_chars)
    if here.is_last:
        return None
    return part_at(text.text, start=here.end, most=delivery.part_chars)


def keep_part(
    delivery: Delivery,
    then: Part,
    *,
    by: str,
    external_id: str,
    now: datetime,
    goes_on: bool = True,
    echoed_at: datetime | None = None,
) -> Delivery:
    """The part at hand is there: a row for it, and `delivery` is about `then` from now on.

    `goes_on`: that is sent by itself; else `delivery` stays with whoever is asked, or has decided.
    Writes the new row at once; `delivery` is the caller's to write.
    """
    part = Delivery.objects.create(
        conversation_id=delivery.conversation_id,
        part_of=delivery,
        part_from=delivery.part_from,
        part_chars=delivery.part_chars,
        direction=delivery.direction,
        state=State.CONFIRMED,
        echo_key=delivery.echo_key,
        external_id=external_id,
        attempts=delivery.attempts_at_part,
        created_at=delivery.created_at,
        sending_at=delivery.sending_at,
        earlier_sending_at=delivery.earlier_sending_at,
        confirmed_at=now,
        confirmed_by=by,
        echoed_at=echoed_at,
    )
    delivery.part_from = then.start
    delivery.echo_key = echo_key(then.text)
    delivery.attempts_before = delivery.attempts
    delivery.external_id = ""
    delivery.sending_at = delivery.earlier_sending_at = None
    if goes_on:
        delivery.state, delivery.reason = State.QUEUED, ""
    else:
        delivery.reason = partly(delivery, delivery.reason)
    return part


def partly(delivery: Delivery, reason: str) -> str:
    """`reason` for the end of `delivery`, which says so where some of it stands there."""
    if not delivery.part_from or reason.startswith(PARTLY):
        return reason[:200]
    return (PARTLY + reason)[:200]
