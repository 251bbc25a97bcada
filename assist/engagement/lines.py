"""The documented JSON line of an agent in a conversation (protocol §5), on a logger of its own.

Said at the end of each burst of typing, with the figures so far: the last line of a conversation
has them all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, Sum

from assist.engagement.answers import Said, Spoken, intervals_of, said_by_agent
from assist.engagement.tally import Pair
from assist.engagement.typed import words_a_minute
from assist.models import Engagement
from assist.services.measuring import spoken_in
from conversations.models import Conversation

logger = logging.getLogger("parley.engagement")

INTERVALS_AT_MOST = 100  # the newest


def say(pairs: Collection[Pair], *, now: datetime) -> None:
    for line in lines_of(pairs, now=now):
        logger.info("%s", json.dumps(line, ensure_ascii=False, separators=(",", ":")))


def lines_of(pairs: Collection[Pair], *, now: datetime) -> list[dict[str, Any]]:
    """Three queries, however many pairs."""
    if not pairs:
        return []
    ids = sorted({conversation_id for conversation_id, _ in pairs})
    names = dict(Conversation.objects.filter(pk__in=ids).values_list("pk", "external_id"))
    spoken = spoken_in(ids)
    totals = Engagement.objects.filter(
        conversation_id__in=ids, agent_id__in={agent_id for _, agent_id in pairs}
    )
    summed = totals.order_by().values("conversation_id", "agent_id").annotate(
        keys=Sum("keystrokes"), active=Sum("active_ms"), duration=Sum("duration_ms"),
        all_bursts=Sum("bursts"), first=Min("first_key_at"), last=Max("last_key_at"),
    )  # fmt: skip
    found = {(row["conversation_id"], row["agent_id"]): row for row in summed}
    return [
        {
            "event": "agent_typing_engagement",
            "conversationId": names[pair[0]],
            "agentId": pair[1],
            "metrics": _metrics(found[pair], spoken.get(pair[0], []), now),
        }
        for pair in pairs
        if pair in found
    ]


def _metrics(row: dict[str, Any], spoken: Sequence[Spoken], now: datetime) -> dict[str, Any]:
    agent_id = row["agent_id"]
    intervals = intervals_of(agent_id, spoken)
    said = [day for (who, _), day in said_by_agent(spoken).items() if who == agent_id]
    return {
        "totalKeystrokes": row["keys"],
        "durationMs": row["duration"],
        "estimatedWPM": words_a_minute(row["keys"], row["duration"]),
        "activeTypingMs": row["active"],
        "activeWPM": words_a_minute(row["keys"], row["active"]),
        "bursts": row["all_bursts"],
        "messages": sum(day.messages for day in said),
        "messageIntervals": intervals[-INTERVALS_AT_MOST:],
        "firstResponseMs": _first_response(said),
        "averageResponseMs": _average_response(said),
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _first_response(said: Sequence[Said]) -> int | None:
    return next((day.first_response_ms for day in said if day.first_response_ms is not None), None)


def _average_response(said: Sequence[Said]) -> int | None:
    count = sum(day.responses for day in said)
    return round(sum(day.response_sum_ms for day in said) / count) if count else None
