"""A conversation's transcript socket (protocol §3): frames to events, closes to verdicts.

Who is the customer: `from.id` is `external`. A system message is neither side's. Decided here (D):
a payload without a readable time has the frame's; a system message that says nothing but *typing*
or *read receipt*, in the words below, is a notice and no part of what was said; files come as on
the org socket, in `attachments`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from conversations.genesys.attachments import attachments_of
from conversations.genesys.events import (
    ConversationClosed,
    ConversationUpdated,
    Event,
    Ignored,
    Malformed,
    MessageCopied,
)
from conversations.genesys.exceptions import ScopeMissing
from conversations.genesys.frames import decode_frame, malformed
from conversations.genesys.protocols.messages import MAX_ID, InvalidEvent, moment
from conversations.genesys.protocols.verdicts import (
    Close,
    End,
    GiveUp,
    Reconnect,
    RenewToken,
    Verdict,
)
from conversations.genesys.scopes import SCOPES_BY_CALL

CUSTOMER = "external"
_CALL = "transcript socket"
_KEEP_ALIVE = '{"type":"keepalive"}'
_MAX_NAME = 200
_MAX_TYPE = 64
# 429: more than the longest of the usual delays, or it would be no longer back-off.
_PACED_S = 35.0
_NOTHING_BUT_LETTERS = re.compile(r"[^a-z]+")
_TYPING = re.compile(r"(is|started|stopped)?typing(indicator|started|stopped|active|inactive)?")
_READ = re.compile(r"(messages?)?(read|seen)(receipts?)?|readreceipts?")


class TranscriptProtocol:
    """Of one conversation: its frames do not name it."""

    KEEP_ALIVE_S: float = 25  # as on the org socket (protocol §1, D)

    def __init__(self, conversation_id: str) -> None:
        self._conversation_id = conversation_id
        self._closed = False

    def first_frames(self) -> tuple[str, ...]:
        return ()

    def keep_alive(self) -> str:
        return _KEEP_ALIVE

    def frame_received(self, data: str | bytes) -> Event:
        frame = decode_frame(data)
        if isinstance(frame, Malformed):
            return frame
        try:
            return self._event_of(frame)
        except InvalidEvent as defect:
            return malformed(data, str(defect))

    def verdict(self, close: Close) -> Verdict:
        """Each refusal in words that tell a supervisor what to ask for."""
        if close.http_status is not None:
            return _handshake_verdict(close)
        if close.code is None:
            return Reconnect("the platform cannot be reached")
        if close.code in (1000, 1001):
            return End(_words_of_the_end(close, closed=self._closed))
        if close.code == 1008:
            return RenewToken(
                "the platform refused the transcript (1008): it does not accept our token or its"
                f" scope, {_scope()} is needed"
            )
        if close.code == 1002:
            return RenewToken(
                "the platform refused the transcript with a protocol error (1002): the token is"
                f" missing or lacks the scope {_scope()}"
            )
        return Reconnect(f"the connection was lost ({close.code})")

    def _event_of(self, frame: Mapping[str, Any]) -> Event:
        kind = frame.get("event")
        if kind == "messageAdded":
            return self._message(frame)
        if kind == "conversationUpdated":
            return ConversationUpdated(self._conversation_id, _moment(frame))
        if kind == "conversationClosed":
            self._closed = True
            return ConversationClosed(self._conversation_id, _moment(frame))
        if not isinstance(kind, str):
            raise InvalidEvent("event is missing or not a string")
        return Ignored(kind[:_MAX_TYPE])

    def _message(self, frame: Mapping[str, Any]) -> MessageCopied:
        payload = frame.get("payload")
        if not isinstance(payload, dict):
            raise InvalidEvent("payload is not an object")
        text = payload.get("text")
        if text is None:
            text = ""  # an attachment
        elif not isinstance(text, str):
            raise InvalidEvent("text is not a string")
        is_system = payload.get("type") == "system"
        sender = payload.get("from")
        sender_id, name = _sender(sender if isinstance(sender, dict) else {})
        if not sender_id and not is_system:
            raise InvalidEvent(f"from.id is not a string of 1 to {MAX_ID} characters")
        return MessageCopied(
            self._conversation_id,
            _optional_id(payload),
            _origin(sender_id, is_system=is_system),
            sender_id,
            name,
            text,
            _moment(frame),
            _notice(text) if is_system else "",
            attachments_of(payload["attachments"]) if "attachments" in payload else (),
        )


def _origin(sender_id: str, *, is_system: bool) -> Literal["guest", "agent", "system"]:
    if is_system:
        return "system"
    return "guest" if sender_id == CUSTOMER else "agent"


def _sender(sender: Mapping[str, Any]) -> tuple[str, str]:
    identifier, name = sender.get("id"), sender.get("name")
    if not isinstance(identifier, str) or len(identifier) > MAX_ID:
        identifier = ""
    return identifier, name[:_MAX_NAME] if isinstance(name, str) else ""


def _optional_id(payload: Mapping[str, Any]) -> str | None:
    value = payload.get("id")
    if value in (None, ""):
        return None
    if not isinstance(value, str) or len(value) > MAX_ID:
        raise InvalidEvent(f"id is not a string of 1 to {MAX_ID} characters")
    return value


def _moment(frame: Mapping[str, Any]) -> datetime:
    payload = frame.get("payload")
    if isinstance(payload, dict) and payload.get("timestamp") is not None:
        return moment(payload["timestamp"])
    return moment(frame.get("timestamp"))


def _notice(text: str) -> Literal["", "typing", "read"]:
    word = _NOTHING_BUT_LETTERS.sub("", text.lower())
    if _TYPING.fullmatch(word):
        return "typing"
    return "read" if _READ.fullmatch(word) else ""


def _handshake_verdict(close: Close) -> Verdict:
    status = close.http_status
    if status == 401:
        return RenewToken(
            "the platform does not let us in (401): the access token is missing or not accepted"
        )
    if status == 403:
        return GiveUp(str(ScopeMissing(_CALL, SCOPES_BY_CALL[_CALL])))
    wait_s = close.retry_after_s or 0.0
    if status == 429:
        return Reconnect(
            "the platform allows no more transcripts at once (429): asking again more slowly",
            at_least_s=max(wait_s, _PACED_S),
        )
    return Reconnect(f"the platform answered with status {status}", at_least_s=wait_s)


def _words_of_the_end(close: Close, *, closed: bool) -> str:
    if closed:
        return "the conversation is closed"
    return f"the platform ended the transcript ({close.code})"


def _scope() -> str:
    return " or ".join(SCOPES_BY_CALL[_CALL])
