"""The guest socket (protocol §2): frames to events, and what a guest says to frames.

Nothing but `connect` is said before the platform has acknowledged it; what the platform tells
before that is held back and comes with the acknowledgement. What cannot be read is `Malformed`,
what is not known is `Ignored`; neither ends anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from conversations.genesys.attachments import attachments_of
from conversations.genesys.events import (
    ChatConnected,
    ChatMessage,
    ChatRead,
    ChatRefused,
    ChatTyping,
    Event,
    Ignored,
    Malformed,
)
from conversations.genesys.frames import decode_frame, malformed
from conversations.genesys.ordering import MAX_ID
from conversations.genesys.protocols.messages import InvalidEvent, moment
from conversations.genesys.protocols.verdicts import Close, End, Reconnect, Verdict

MAX_TRIES = 10
MAX_EARLY = 100  # events held back; what comes beyond that before an acknowledgement is counted
_KEEP_ALIVE = '{"type":"keepalive"}'
_PACED_S = 5.0
_PACED_CODES = frozenset({1012, 1013})
UNACKNOWLEDGED = 4408  # ours: nothing came within ACKNOWLEDGE_S
ACKNOWLEDGE_S = 10.0  # D
_TRANSIENT = frozenset({1005, 1006, 1011, 1012, 1013, 1014, UNACKNOWLEDGED})
_SENDERS: dict[object, Literal["guest", "agent", "system"]] = {
    "guest": "guest",
    "agent": "agent",
    "system": "system",
}


@dataclass(frozen=True, slots=True)
class GuestInfo:
    name: str
    email: str


class WebchatProtocol:
    """One guest. A new connection starts it afresh; session and acknowledgement are its state."""

    KEEP_ALIVE_S: float = 25

    def __init__(self, guest: GuestInfo, *, metadata: Mapping[str, Any] | None = None) -> None:
        self._guest = guest
        self._metadata = dict(metadata or {})
        self._early: list[ChatMessage | ChatTyping | ChatRead] = []
        self.session_id = ""
        self.is_acknowledged = False

    def first_frames(self) -> Sequence[str]:
        self.is_acknowledged = False
        self._early.clear()
        metadata = dict(self._metadata)
        if self.session_id:
            metadata["sessionId"] = self.session_id  # D: to go on where the connection broke off
        info = {"name": self._guest.name, "email": self._guest.email}
        return (_frame({"type": "connect", "guestInfo": info, "metadata": metadata}),)

    def frame_received(self, data: str | bytes) -> Event:
        frame = decode_frame(data)
        if isinstance(frame, Malformed):
            return frame
        try:
            event = _event_of(frame)
        except InvalidEvent as defect:
            return malformed(data, str(defect))
        if isinstance(event, ChatConnected):
            return self._acknowledge(event)
        if self.is_acknowledged or isinstance(event, ChatRefused | Ignored):
            return event
        return self._hold_back(event)

    def _acknowledge(self, event: ChatConnected) -> ChatConnected:
        early, self._early = tuple(self._early), []
        self.is_acknowledged = True
        self.session_id = event.session_id or self.session_id
        return ChatConnected(
            event.conversation_id, event.session_id, event.guest_id, event.history, early
        )

    def _hold_back(self, event: ChatMessage | ChatTyping | ChatRead) -> Ignored:
        if len(self._early) < MAX_EARLY:
            self._early.append(event)
        return Ignored("before the acknowledgement")

    def keep_alive(self) -> str:
        """D: as on the org socket."""
        return _KEEP_ALIVE

    def verdict(self, close: Close) -> Verdict:
        """Over when the platform says so (1000, 1001) or says that we are wrong (1002, 1008 …)."""
        if close.http_status is not None:
            reason = f"handshake answered with {close.http_status}"
            asked = close.retry_after_s or (_PACED_S if close.http_status == 429 else 0.0)
            return Reconnect(reason, at_least_s=asked)
        if close.code is None:
            return Reconnect("failed to connect")
        if close.code in _TRANSIENT:
            paced = _PACED_S if close.code in _PACED_CODES else 0.0
            return Reconnect(f"closed with {close.code}", at_least_s=paced)
        return End(f"closed with {close.code}" + (f": {close.reason}" if close.reason else ""))


def message_frame(text: str, attachments: Sequence[Mapping[str, Any]] = ()) -> str:
    return _frame({"type": "message", "text": text, "attachments": list(attachments)})


def context_frame(context: Mapping[str, Any]) -> str:
    return _frame({"type": "setContext", "context": context})


def typing_frame(state: Literal["active", "inactive"]) -> str:
    return _frame({"type": "typing", "state": state})


def _frame(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _event_of(
    frame: Mapping[str, Any],
) -> ChatMessage | ChatTyping | ChatRead | ChatConnected | ChatRefused | Ignored:
    kind = frame.get("type")
    if kind == "message":
        return _message(frame)
    if kind == "typing":
        if frame.get("state") not in ("active", "inactive"):
            raise InvalidEvent("state is neither active nor inactive")
        return ChatTyping(frame["state"])
    if kind == "readReceipt":
        sequence_id = _sequence_id(frame)
        if sequence_id is None:
            raise InvalidEvent("sequenceId is missing")
        return ChatRead(sequence_id)
    if kind == "connect":
        return _connected(frame)
    if kind == "error":
        return ChatRefused(
            _text(frame, "message")[:500] or "refused", code=_text(frame, "code")[:64]
        )
    if not isinstance(kind, str):
        raise InvalidEvent("type is missing or not a string")
    return Ignored(kind[:64])


def _message(frame: Mapping[str, Any]) -> ChatMessage:
    text = frame.get("text")
    if text is not None and not isinstance(text, str):
        raise InvalidEvent("text is not a string")
    sender = frame.get("from")
    who = sender if isinstance(sender, dict) else {"type": sender}
    # D: of an unknown sender it is still a message; it is shown as the other side's
    kind = _SENDERS.get(who.get("type") if isinstance(who.get("type"), str) else None, "agent")
    return ChatMessage(
        text=text or "",
        sequence_id=_sequence_id(frame),
        sender=kind,
        sender_name=_text(who, "name"),
        external_id=_text(frame, "id") or None,
        sent_at=_moment(frame.get("timestamp")),
        attachments=attachments_of(frame.get("attachments")),
    )


def _connected(frame: Mapping[str, Any]) -> ChatConnected:
    """D: the acknowledgement may carry conversationId, sessionId, guest and history."""
    guest = frame.get("guest")
    history = frame.get("history")
    return ChatConnected(
        conversation_id=_text(frame, "conversationId"),
        session_id=_text(frame, "sessionId"),
        guest_id=_text(guest, "id") if isinstance(guest, dict) else "",
        history=_history(history) if isinstance(history, list) else None,
    )


def _history(rows: Sequence[Any]) -> tuple[ChatMessage, ...]:
    found = []
    for row in rows:
        if isinstance(row, dict):
            try:
                found.append(_message(row))
            except InvalidEvent:
                continue  # one that cannot be read hides no other
    return tuple(found)


def _sequence_id(frame: Mapping[str, Any]) -> str | None:
    """A number is taken as its digits; anything else, or one too long, is no id."""
    value = frame.get("sequenceId")
    if type(value) is int and abs(value) < 10**18:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= MAX_ID:
        return value
    return None


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value[:MAX_ID] if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    try:
        return moment(value)
    except InvalidEvent:
        return None
