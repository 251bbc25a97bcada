"""The answers of the reading calls as events. One bad entry never hides the good ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from conversations.genesys.events import Malformed, MessageReceived
from conversations.genesys.exceptions import InvalidAnswer, kept_text
from conversations.genesys.frames import malformed
from conversations.genesys.protocols.messages import MAX_ID, InvalidEvent, event_of, moment
from conversations.net.exceptions import InvalidBody
from conversations.net.http import Answer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveConversation:
    conversation_id: str
    last_message_at: datetime | None


def active_of(answer: Answer) -> list[ActiveConversation]:
    entries = _listed(answer, "conversations")
    found = [active for entry in entries if (active := _active(entry)) is not None]
    if len(found) < len(entries):
        logger.warning("%d unreadable entries of active conversations", len(entries) - len(found))
    return found


def messages_of(
    answer: Answer, *, since: datetime | None = None
) -> list[MessageReceived | Malformed]:
    """What was said before `since` is left out, and not looked at any closer: most of a long
    history, after a short gap."""
    entries = _listed(answer, "messages")
    if since is not None:
        entries = [entry for entry in entries if not _is_of_before(entry, since)]
    events = [_history_event(entry) for entry in entries]
    messages = [event for event in events if isinstance(event, MessageReceived)]
    messages.sort(key=lambda message: (message.sent_at, message.external_id or ""))
    return [*messages, *(event for event in events if isinstance(event, Malformed))]


def _active(entry: object) -> ActiveConversation | None:
    if not isinstance(entry, Mapping):
        return None
    identifier = entry.get("conversationId")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_ID:
        return None
    try:
        return ActiveConversation(identifier, moment(entry.get("lastMessageAt")))
    except InvalidEvent:
        return ActiveConversation(identifier, None)  # active all the same: read its messages


def _is_of_before(entry: object, since: datetime) -> bool:
    try:
        return isinstance(entry, dict) and moment(entry.get("timestamp")) < since
    except InvalidEvent:
        return False


def _history_event(entry: object) -> MessageReceived | Malformed | None:
    """Other kinds of events are not history: None."""
    try:
        if not isinstance(entry, dict):
            raise InvalidEvent("not an object")
        event = event_of({"type": "message"} | entry, backfilled=True)
    except InvalidEvent as defect:
        return malformed(json.dumps(entry, ensure_ascii=False), str(defect))
    return event if isinstance(event, MessageReceived) else None


def _listed(answer: Answer, key: str) -> list[object]:
    try:
        body = answer.json()
    except InvalidBody as defect:
        raise InvalidAnswer(defect.reason, body=kept_text(answer.body)) from None
    entries = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(entries, list):
        raise InvalidAnswer(f"{key} is not a list", body=kept_text(answer.body))
    return entries
