"""What the platform's analytics know of a conversation: question and answer (protocol §5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conversations.genesys.exceptions import InvalidAnswer, kept_text
from conversations.genesys.protocols.messages import InvalidEvent, moment
from conversations.net.exceptions import InvalidBody
from conversations.net.http import Answer

_MAX_CHANNEL = 64
SELECT = ("conversationId", "startTime", "endTime", "channelType")


@dataclass(frozen=True, slots=True)
class InteractionDetails:
    """`ended_at` None: it still runs."""

    started_at: datetime
    ended_at: datetime | None
    channel_type: str


def details_query(conversation_id: str, *, since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "dateFrom": _wire(since),
        "dateTo": _wire(until),
        "entity": {"type": "conversation", "id": conversation_id},
        "select": list(SELECT),
    }


def details_of(answer: Answer, conversation_id: str) -> InteractionDetails | None:
    """The entity of that conversation; another one's is as good as none."""
    try:
        body = answer.json()
    except InvalidBody as defect:
        raise InvalidAnswer(defect.reason, body=kept_text(answer.body)) from None
    entities = body.get("entities") if isinstance(body, Mapping) else None
    if not isinstance(entities, list):
        raise InvalidAnswer("entities is not a list", body=kept_text(answer.body))
    for entity in entities:
        if isinstance(entity, Mapping) and entity.get("conversationId") == conversation_id:
            return _details(entity, answer)
    return None


def _details(entity: Mapping[str, Any], answer: Answer) -> InteractionDetails:
    channel = entity.get("channelType")
    try:
        started_at = moment(entity.get("startTime"))
        ended_at = moment(entity["endTime"]) if entity.get("endTime") is not None else None
    except InvalidEvent as defect:
        raise InvalidAnswer(f"entity: {defect}", body=kept_text(answer.body)) from None
    if not isinstance(channel, str) or len(channel) > _MAX_CHANNEL:
        raise InvalidAnswer("channelType is no short string", body=kept_text(answer.body))
    return InteractionDetails(started_at, ended_at, channel.replace("\x00", "\u2400"))


def _wire(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
