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
        status = await tools.crossing.call(_current, item.message_id)
        if status.state != Delivery.State.AMBIGUOUS:
            return status
        found = await _in_history(lane, item)
        if found is not None:
            return await tools.crossing.commit(
                Confirm(lane.conversation_id, item.message_id, tools.owner, "history", found)
            )
    return await tools.crossing.commit(
        Settle(
            lane.conversation_id,
            item.message_id,
            tools.owner,
            Delivery.State.REVIEW,
            "neither echo nor history shows it",
        )
    )


def _current(message_id: int) -> DeliveryStatus:
    return status_of(Delivery.objects.get(message_id=message_id))


async def _in_history(lane: Lane, item: WorkItem) -> str | None:
    """The platform's id ("" when it gives none) of the message that is ours, if it is there."""
    try:
        history = await lane.tools.rest.conversation_messages(lane.external_id)
    except GenesysError as error:
        logger.info("history not readable: %s", type(error).__name__)
        return None
    key = echo_key(item.translated)
    candidates = [
        event.external_id or ""
        for event in history or ()
        if isinstance(event, MessageReceived)
        and event.sender.type == "guest"
        and echo_key(event.text) == key
        and (item.sending_at is None or event.sent_at >= item.sending_at)
    ]
    if not candidates:
        return None
    return await lane.tools.crossing.call(_unclaimed, lane.conversation_id, candidates)


def _unclaimed(conversation_id: int, candidates: list[str]) -> str | None:
    """The first candidate that neither confirmed another delivery nor was said by the guest."""
    taken = set(
        Delivery.objects.filter(conversation_id=conversation_id).values_list(
            "external_id", flat=True
        )
    ) | set(
        Message.objects.filter(
            conversation_id=conversation_id, external_id__in=candidates
        ).values_list("external_id", flat=True)
    )
    return next(
        (external_id for external_id in candidates if external_id not in taken - {""}), None
    )
