"""Finds out whether an ambiguous delivery stands in the conversation; never guesses.

The echo on the org socket decides most; the history is read at 1, 2, 4 and 8 s. Absence is
believed under the conditions of protocol §1 (*Injecting*) alone, and then it is sent once more.
What stays unknown for HEAD_WAIT_S is put before a person, however slow the history is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from django.utils import timezone

from conversations.genesys.events import MessageReceived
from conversations.genesys.exceptions import GenesysError
from conversations.keys import echo_key
from conversations.models import Delivery, Message
from conversations.services.delivery import LEAVES_WITHIN, Confirm, Requeue, Settle
from conversations.services.org_socket import nothing_was_missed
from conversations.services.recognition import CLOCK_SKEW
from conversations.services.transitions import DeliveryStatus, status_of
from translation.work import WorkItem

if TYPE_CHECKING:
    from translation.deliverer import Deliverer

logger = logging.getLogger(__name__)

ATTEMPTS = 2  # in all
_READS_S = (1.0, 2.0, 4.0, 8.0)  # after the sending
_APART_S = 2.0  # so far apart are the two reads whose silence is believed
_MARGIN_S = 0.05
_LAST_READ_S = 3.0  # so long the last read may take; those before it end when its moment comes


class _Seen(Enum):
    ABSENT = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class _Found:
    """It is there. `external_id`: the platform's, "" when it gives none; `others`: those of its
    duplicates, where it was sent more than once and nothing else can have caused them."""

    external_id: str
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class _Evidence:
    """What the reads after the window have shown, by the time at which they began."""

    absent_at: list[datetime]
    unreadable: bool = False

    def is_absent(self) -> bool:
        return bool(self.absent_at) and (
            self.absent_at[-1] - self.absent_at[0] >= timedelta(seconds=_APART_S)
        )


async def find_out(deliverer: Deliverer, item: WorkItem) -> DeliveryStatus:
    """Wait for evidence; ends in confirmed, in queued (to be sent once more), or in review."""
    tools = deliverer.tools
    delivery = await tools.crossing.call(_current, item.message_id)
    sent_at = delivery.sending_at or delivery.created_at
    window = timedelta(seconds=tools.reconcile_window_s) + LEAVES_WITHIN
    evidence = _Evidence([])
    begun_s = max(0.0, (timezone.now() - sent_at).total_seconds())
    moments = [
        sent_at + timedelta(seconds=moment_s)
        for moment_s in _moments(window.total_seconds(), begun_s=begun_s, until_s=tools.head_wait_s)
    ]
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        # By the clock of the sending, so that a take-over does not begin the wait anew.
        if following is not None and following <= timezone.now():
            continue  # the read before it took so long
        await asyncio.sleep((moment - timezone.now()).total_seconds())
        delivery = await tools.crossing.call(_current, item.message_id)
        if delivery.state != Delivery.State.AMBIGUOUS:
            return status_of(delivery)
        began_at = timezone.now()
        left = moments[-1] - began_at
        within_s = _LAST_READ_S if following is None else left.total_seconds()
        seen = await _in_history(deliverer, item, delivery, within_s=within_s)
        if isinstance(seen, _Found):
            return await tools.crossing.commit(
                Confirm(
                    deliverer.conversation_id,
                    item.message_id,
                    tools.owner,
                    "history",
                    seen.external_id,
                    duplicates=seen.others,
                    part_from=delivery.part_from,
                )
            )
        if began_at > sent_at + window:
            if seen is _Seen.ABSENT:
                evidence.absent_at.append(began_at)
            evidence.unreadable = seen is _Seen.UNREADABLE
            if await _may_be_sent_again(deliverer, delivery, evidence, until=sent_at + window):
                return await _send_again(deliverer, item, evidence)
    return await tools.crossing.commit(
        Settle(
            deliverer.conversation_id,
            item.message_id,
            tools.owner,
            Delivery.State.REVIEW,
            "neither echo nor history shows it",
            part_from=delivery.part_from,
        )
    )


def _moments(window_s: float, *, begun_s: float, until_s: float) -> Iterator[float]:
    """Seconds after `sending` at which the history is read; the last look ends the wait.

    `window_s`: with the time that the first byte had to leave.

    Whoever takes over from a dead worker has time for two reads, however late it is, and then half
    the wait for what may be missing besides: where a worker died, a gateway may be away as well.
    """
    first = max(begun_s, window_s + _MARGIN_S)
    second = first + _APART_S + _MARGIN_S
    moments = {moment for moment in _READS_S if moment > begun_s} | {first, second}
    last = until_s
    if begun_s > window_s:
        last = max(until_s, second + until_s / 2)
        moments |= {second + _APART_S * number for number in range(1, 1 + int(until_s / 4))}
    yield from sorted(moment for moment in moments if moment < last)
    yield last


async def _may_be_sent_again(
    deliverer: Deliverer, delivery: Delivery, evidence: _Evidence, *, until: datetime
) -> bool:
    """The conditions of protocol §1; the TTL is looked at when it starts again."""
    tools = deliverer.tools
    if tools.policy == "manual" or delivery.attempts_at_part >= ATTEMPTS:
        return False
    if evidence.is_absent():
        since = delivery.sending_at or delivery.created_at
        return await tools.crossing.call(nothing_was_missed, since, until)
    # No history to read: nothing proves absence, but this policy would rather send it twice.
    return tools.policy == "prefer-delivery" and evidence.unreadable


async def _send_again(deliverer: Deliverer, item: WorkItem, evidence: _Evidence) -> DeliveryStatus:
    reason = "believed absent" if evidence.is_absent() else "no history to read"
    return await deliverer.tools.crossing.commit(
        Requeue(
            deliverer.conversation_id,
            item.message_id,
            deliverer.tools.owner,
            reason,
            was_ambiguous=True,
        )
    )


def _current(message_id: int) -> Delivery:
    return Delivery.objects.get(message_id=message_id)


async def _in_history(
    deliverer: Deliverer, item: WorkItem, delivery: Delivery, *, within_s: float
) -> _Found | _Seen:
    """The message that is ours, if it is there; a history that takes longer is not readable."""
    try:
        async with asyncio.timeout(within_s):
            history = await deliverer.tools.rest.conversation_messages(deliverer.external_id)
    except (GenesysError, TimeoutError) as error:
        logger.info("history not readable: %s", type(error).__name__)
        return _Seen.UNREADABLE
    if history is None:
        return _Seen.UNREADABLE
    same = [
        event
        for event in history
        if isinstance(event, MessageReceived)
        and event.sender.type == ("agent" if item.is_reply else "guest")
        and echo_key(event.text) == delivery.echo_key
    ]
    first_sent_at = delivery.earlier_sending_at or delivery.sending_at or delivery.created_at
    since = first_sent_at - CLOCK_SKEW
    ids = [event.external_id for event in same if event.external_id and event.sent_at >= since]
    without_id = sum(not event.external_id for event in same)
    found = await deliverer.tools.crossing.call(_unclaimed, delivery, ids, without_id)
    return _Seen.ABSENT if found is None else found


def _unclaimed(delivery: Delivery, ids: list[str], without_id: int) -> _Found | None:
    """An entry that neither confirmed another delivery nor was said by the guest."""
    others = Delivery.objects.filter(conversation_id=delivery.conversation_id).exclude(
        pk=delivery.pk
    )
    taken = set(others.filter(external_id__in=ids).values_list("external_id", flat=True)) | set(
        Message.objects.filter(
            conversation_id=delivery.conversation_id, external_id__in=ids, echo_of=None
        ).values_list("external_id", flat=True)
    )
    free = [external_id for external_id in ids if external_id not in taken]
    if free:
        equals = others.filter(echo_key=delivery.echo_key, external_id="")
        was_sent_again = delivery.earlier_sending_at is not None
        return _Found(free[0], tuple(free[1:]) if was_sent_again and not equals.exists() else ())
    # Entries without an id are counted: each confirmed delivery of the text has used up one.
    used = others.filter(echo_key=delivery.echo_key, state=Delivery.State.CONFIRMED).count()
    return _Found("") if without_id > used else None
