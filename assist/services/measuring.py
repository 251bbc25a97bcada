"""Sets what the stored messages say of answers, for conversations in which something was said.

Each is measured anew from all of its messages: doing it twice changes nothing. A run reads along
the messages by time of receipt from where the last one came to, and a little before: transactions
commit out of order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from assist.engagement.answers import GUEST, Said, Spoken, said_by_agent
from assist.engagement.tally import Key
from assist.models import Engagement, Round
from assist.services import rounds
from assist.services.typing import locked_rows
from conversations.models import Message
from conversations.models.bulk import update_rows

ROUND = "engagement"
_OVERLAP = timedelta(seconds=30)  # longer than a transaction may last
_PAGE = 5_000  # messages
_TOGETHER = 200  # conversations in one transaction
_FIELDS = (
    "messages", "intervals", "interval_sum_ms", "responses", "response_sum_ms",
    "first_response_ms", "at",
)  # fmt: skip
_HUMAN = (Message.Origin.GUEST, Message.Origin.AGENT)


def measure_page(round_: Round, *, owner: str, now: datetime) -> tuple[int, bool]:
    """Measure the conversations of the next page; how many, and whether that was the last one."""
    rows = Message.objects.filter(origin__in=_HUMAN).order_by("received_at")
    if round_.reached_at is not None:
        rows = rows.filter(received_at__gte=round_.reached_at)
    page = list(rows.values_list("conversation_id", "received_at")[:_PAGE])
    ids = sorted({conversation_id for conversation_id, _ in page})
    for start in range(0, len(ids), _TOGETHER):
        measure(ids[start : start + _TOGETHER], now=now)
    # A page of one moment alone cannot be passed by its time: all of it was measured.
    is_last = len(page) < _PAGE or page[-1][1] == round_.reached_at
    reached_at = now - _OVERLAP if is_last else page[-1][1]
    with transaction.atomic():
        if rounds.hold(ROUND, owner=owner, now=now) is None:
            return len(ids), True
        Round.objects.filter(pk=round_.pk).update(reached_at=reached_at)
    round_.reached_at = reached_at
    return len(ids), is_last


def measure(conversation_ids: Sequence[int], *, now: datetime) -> None:
    found: dict[Key, Said] = {
        (conversation_id, agent_id, day): said
        for conversation_id, spoken in _spoken(conversation_ids)
        for (agent_id, day), said in said_by_agent(spoken).items()
    }
    if not found:
        return
    with transaction.atomic():
        rows = locked_rows(found.keys(), now=now)
        for key, said in found.items():
            _set(rows[key], said)
        update_rows(list(rows.values()), fields=_FIELDS)


def spoken_in(conversation_ids: Sequence[int]) -> dict[int, list[Spoken]]:
    """What people said, by conversation, in the order of the platform's time."""
    return dict(_spoken(conversation_ids))


def _spoken(conversation_ids: Sequence[int]) -> Iterator[tuple[int, list[Spoken]]]:
    messages = Message.objects.filter(conversation_id__in=conversation_ids, origin__in=_HUMAN)
    by_conversation: dict[int, list[Spoken]] = defaultdict(list)
    for conversation_id, origin, sender_id, sent_at in messages.order_by(
        "conversation_id", "sent_at", "seq"
    ).values_list("conversation_id", "origin", "sender_id", "sent_at"):
        if origin == Message.Origin.GUEST:
            by_conversation[conversation_id].append(Spoken(GUEST, sent_at))
        elif sender_id:
            by_conversation[conversation_id].append(Spoken(sender_id, sent_at))
    yield from by_conversation.items()


def _set(row: Engagement, said: Said) -> None:
    row.messages = said.messages
    row.intervals, row.interval_sum_ms = said.intervals, said.interval_sum_ms
    row.responses, row.response_sum_ms = said.responses, said.response_sum_ms
    row.first_response_ms = said.first_response_ms
    moments = [moment for moment in (said.last_at, row.last_key_at) if moment is not None]
    row.at = max(moments)
