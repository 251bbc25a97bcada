"""The voice transcription socket (protocol §4): subscription, chunks, and what a close means.

Decided here (D): a confidence that is missing is not known; one outside 0 to 1, a `final` that is
no boolean, and a chunk of another interaction make a frame malformed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.genesys.events import (
    CodecLeftOut,
    Event,
    Ignored,
    Malformed,
    Refused,
    Subscribed,
    TranscriptionReceived,
)
from conversations.genesys.frames import decode_frame, malformed
from conversations.genesys.protocols.messages import InvalidEvent, moment
from conversations.genesys.protocols.subscription import subscribe_frame
from conversations.genesys.protocols.verdicts import (
    Close,
    End,
    GiveUp,
    Reconnect,
    RenewToken,
    Verdict,
)

ACCEPTED_MEDIA_TYPES = frozenset({"audio/l16;rate=8000", "audio/l16;rate=16000", "audio/ulaw"})
_KEEP_ALIVE = '{"type":"keepalive"}'
_REFUSED_CODE = 4000  # ours: said in a frame, not by a close
_PACED_S = 5.0
_TOKEN_CODES = frozenset({1008, 4401})
_MAX_TYPE = 64
_MAX_SAID = 160
_CAUSES = {
    "the concurrency limit": ("concurren", "limit", "too many", "429"),
    "a missing scope (analytics:conversation:read)": (
        "scope",
        "permission",
        "forbidden",
        "not authorized",
        "unauthorized",
        "403",
    ),
    "the schema of the subscription": ("schema", "invalid", "unknown", "required", "400"),
}


class TranscriptionProtocol:
    """`subscription` is what is sent first; it is checked here, before any socket opens."""

    KEEP_ALIVE_S: float = 25  # the platform closes what is idle for 30 s
    ACCEPTED_WITHIN_S: float = 10.0

    def __init__(self, subscription: Mapping[str, Any]) -> None:
        self._first = subscribe_frame(subscription)
        self._interaction_id = subscription["interactionId"]
        self._is_accepted = False
        self._ended: Close | None = None

    @property
    def is_accepted(self) -> bool:
        return self._is_accepted

    @property
    def ended(self) -> Close | None:
        return self._ended

    def first_frames(self) -> tuple[str, ...]:
        self._is_accepted, self._ended = False, None
        return (self._first,)

    def keep_alive(self) -> str:
        return _KEEP_ALIVE

    def frame_received(self, data: str | bytes) -> Event:
        frame = decode_frame(data)
        if isinstance(frame, Malformed):
            return frame
        kind = frame.get("type")
        if kind == "transcription":
            try:
                return self._chunk(frame)
            except InvalidEvent as defect:
                return malformed(data, str(defect))
        if kind == "subscribed":
            self._is_accepted = True
            return Subscribed()
        if kind == "error":
            return self._refused(frame)
        if not isinstance(kind, str):
            return malformed(data, "type is missing or not a string")
        return Ignored(kind[:_MAX_TYPE])

    def _refused(self, frame: Mapping[str, Any]) -> Refused:
        message = frame.get("message")
        said = message[:_MAX_SAID] if isinstance(message, str) else ""
        self._ended = Close(_REFUSED_CODE, said)
        return Refused(said)

    def _chunk(self, frame: Mapping[str, Any]) -> TranscriptionReceived | CodecLeftOut:
        if frame.get("interactionId") != self._interaction_id:
            raise InvalidEvent("interactionId is not the one subscribed to")
        text, is_final = frame.get("text"), frame.get("final")
        if not isinstance(text, str):
            raise InvalidEvent("text is not a string")
        if not isinstance(is_final, bool):
            raise InvalidEvent("final is neither true nor false")
        media_type = _media_type(frame.get("mediaType"))
        if media_type and media_type not in ACCEPTED_MEDIA_TYPES:
            return CodecLeftOut(media_type)
        return TranscriptionReceived(
            interaction_id=self._interaction_id,
            media_at=moment(frame.get("mediaTimestamp")),
            text=text,
            confidence=_confidence(frame.get("confidence")),
            is_final=is_final,
            media_type=media_type,
        )

    def verdict(self, close: Close) -> Verdict:
        """Of one call: 1000 and 1001 end it. A refusal for good says what it likely is."""
        if close.http_status is not None:
            return _handshake_verdict(close.http_status, close)
        if close.code is None:
            return Reconnect(close.reason or "failed to connect")
        if close.code == _REFUSED_CODE:
            return _refusal_verdict(close.reason)
        if close.code in (1000, 1001):
            return End(f"closed with {close.code}")
        if close.code in _TOKEN_CODES:
            return RenewToken(f"closed with {close.code}")
        at_least_s = _PACED_S if close.code in (1012, 1013) else 0.0
        return Reconnect(f"closed with {close.code}", at_least_s=at_least_s)


def _handshake_verdict(status: int, close: Close) -> Verdict:
    reason = f"handshake answered with {status}"
    if status == 401:
        return RenewToken(reason)
    if status in (400, 403):
        causes = list(_CAUSES)
        likely = causes[2] if status == 400 else f"{causes[1]}, else {causes[0]}"
        return GiveUp(f"{reason}: likely {likely}")
    if status == 429:
        return Reconnect(reason, at_least_s=max(close.retry_after_s or 0.0, _PACED_S))
    return Reconnect(reason, at_least_s=close.retry_after_s or 0.0)


def _refusal_verdict(said: str) -> Verdict:
    """The platform's own words are not repeated: they may quote what was sent."""
    words = said.lower()
    for cause, signs in _CAUSES.items():
        if any(sign in words for sign in signs):
            return GiveUp(f"the platform refused: likely {cause}")
    return Reconnect("the platform reported an error")


def _media_type(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidEvent("mediaType is not a string")
    return value.replace(" ", "").lower()[:_MAX_TYPE]


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidEvent("confidence is not a number from 0 to 1")
    return float(value)
