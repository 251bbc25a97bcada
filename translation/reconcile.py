"""Finds out whether an ambiguous delivery stands in the conversation; never guesses.

The echo on the org socket decides most; the history is read at 1, 2, 4 and 8 s. What is not found
within HEAD_WAIT_S is put before a person (protocol §1, Injecting).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from conversations.genesys.events import MessageReceived
from conversations.genesys.exceptions import GenesysError
from conversations.keys import echo_key
from conversations.models import Delivery, Message
from conversations.services.delivery import Confirm, DeliveryStatus, Settle, status_of
from conversations.services.recognition import CLOCK_SKEW
from translation.work import WorkItem

if TYPE_CHECKING:
    from translation.lane import Lane

logger = logging.getLogger(__name__)

_READS_S = (1.0, 2.0, 4.0, 8.0)  # after the sending


async def find_out(lane: Lane, item: WorkItem) -> DeliveryStatus:
    """Wait for evidence; ends in confirmed or review."""
    tools = lane.tools
    begin = tools.monotonic()
    for moment in (*_READS_S, tools.head_wait_s):
        await asyncio.sleep(max(0.0, min(moment, tools.head_wait_s) - (tools.monotonic() - begin)))
        delivery = await tools.crossing.call(_current, item.message_id)
        if delivery.state != Delivery.State.AMBIGUOUS:
            return status_of(delivery)
        found = await _in_history(lane, delivery)
        if found is not None:
            confirmed = Confirm(
                lane.conversation_id, item.message_id, tools.owner, "history", found
            )
            return await tools.crossing.commit(confirmed)
    return await tools.crossing.commit(
        Settle(
            lane.conversation_id,
            item.message_id,
            tools.owner,
            Delivery.State.REVIEW,
            "neither echo nor history shows it",
        )
    )


def _current(message_id: int) -> Delivery:
    return Delivery.objects.get(message_id=message_id)


async def _in_history(lane: Lane, delivery: Delivery) -> str | None:
    """The platform's id ("" when it gives none) of the message that is ours, if it is there."""
    try:
        history = await lane.tools.rest.conversation_messages(lane.external_id)
    except GenesysError as error:
        logger.info("history not readable: %s", type(error).__name__)
        return None
    same = [
        event
        for event in history or ()
        if isinstance(event, MessageReceived)
        and event.sender.type == "guest"
        and echo_key(event.text) == delivery.echo_key
    ]
    since = (delivery.sending_at or delivery.created_at) - CLOCK_SKEW
    ids = [event.external_id for event in same if event.external_id and event.sent_at >= since]
    without_id = sum(not event.external_id for event in same)
    return await lane.tools.crossing.call(_unclaimed, delivery, ids, without_id)


def _unclaimed(delivery: Delivery, ids: list[str], without_id: int) -> str | None:
    """An entry that neither confirmed another delivery nor was said by the guest."""
    others = Delivery.objects.filter(conversation_id=delivery.conversation_id).exclude(
        pk=delivery.pk
    )
    taken = set(others.filter(external_id__in=ids).values_list("external_id", flat=True)) | set(
        Message.objects.filter(
            conversation_id=delivery.conversation_id, external_id__in=ids, echo_of=None
        ).values_list("external_id", flat=True)
    )
    found = next((external_id for external_id in ids if external_id not in taken), None)
    if found is not None:
        return found
    # Entries without an id are counted: each confirmed delivery of the text has used up one.
    used = others.filter(echo_key=delivery.echo_key, state=Delivery.State.CONFIRMED).count()
    return "" if without_id > used else None
