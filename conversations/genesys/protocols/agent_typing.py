"""The agent typing socket (protocol §5): when an indicator is said, and when it ends.

The time is the caller's: seconds of a clock that only grows. An agent types from the first
keystroke of a burst until 3 s after its last one, and the platform is told just that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from conversations.genesys.events import Event, Ignored, Malformed
from conversations.genesys.exceptions import ScopeMissing
from conversations.genesys.frames import decode_frame
from conversations.genesys.protocols.verdicts import (
    Close,
    End,
    GiveUp,
    Reconnect,
    RenewToken,
    Verdict,
)
from conversations.genesys.scopes import SCOPES_BY_CALL

THROTTLE_S = 0.5
EXPIRY_S = 3.0
UNUSED_S = 60.0  # so long without a keystroke, and the socket is closed
RECONNECT_S = 5.0  # and up to 1 s of jitter

_KEEP_ALIVE = '{"type":"keepalive"}'  # D: as on the org socket
_CLOSED_ON_PURPOSE = 1000
_TOKEN_CODES = frozenset({1008, 4401})
_FORBIDDEN_CODE = 4403


@dataclass(frozen=True, slots=True)
class Indicator:
    agent_id: str
    state: Literal["active", "inactive"]


@dataclass(slots=True)
class _Burst:
    last_key_at: float
    is_due: bool = True  # `active` is to be said
    said_at: float | None = None  # when it was said last


class AgentTypingProtocol:
    """Of one conversation, over as many connections as it takes."""

    KEEP_ALIVE_S: float = 25

    def __init__(self, conversation_id: str, *, now: float) -> None:
        self._conversation_id = conversation_id
        self._bursts: dict[str, _Burst] = {}
        self.used_at = now

    # When what is said

    def keystroke(self, agent_id: str, *, at: float) -> None:
        """TRAP: the expiry is measured from here, not from the indicator that was sent last."""
        self.used_at = max(self.used_at, at)
        burst = self._bursts.get(agent_id)
        if burst is None:
            self._bursts[agent_id] = _Burst(at)
            return
        burst.last_key_at = max(burst.last_key_at, at)
        if burst.said_at is None or at - burst.said_at >= THROTTLE_S:
            burst.is_due = True

    def opened(self) -> None:
        """A new connection knows of nobody: what is still true is said again, what has ended
        meanwhile is taken back (`take_due`)."""
        for burst in self._bursts.values():
            burst.is_due = True

    def take_due(self, now: float) -> list[Indicator]:
        """What is to be said now; to be asked while the socket is open."""
        due = []
        for agent_id, burst in list(self._bursts.items()):
            if now >= burst.last_key_at + EXPIRY_S:
                # TRAP: only the burst is over; the socket stays, for the next one.
                due += self._end(agent_id)
            elif burst.is_due:
                burst.is_due, burst.said_at = False, now
                due.append(Indicator(agent_id, "active"))
        return due

    def take_all_ends(self) -> list[Indicator]:
        """The socket is going to be closed: whoever types is taken back."""
        return [each for agent_id in list(self._bursts) for each in self._end(agent_id)]

    def unsaid(self, indicators: Iterable[Indicator]) -> None:
        """The connection was lost while these were sent: an end is said on the next one."""
        for one in indicators:
            if one.state == "inactive" and one.agent_id not in self._bursts:
                self._bursts[one.agent_id] = _Burst(float("-inf"), said_at=float("-inf"))

    def due_at(self) -> float | None:
        """When `take_due` has something to say; None: not before the next keystroke."""
        moments = (
            float("-inf") if burst.is_due else burst.last_key_at + EXPIRY_S
            for burst in self._bursts.values()
        )
        return min(moments, default=None)

    @property
    def is_typing(self) -> bool:
        return bool(self._bursts)

    def _end(self, agent_id: str) -> list[Indicator]:
        """What was never said is not taken back: it was over before the socket was open."""
        was_said = self._bursts.pop(agent_id).said_at is not None
        return [Indicator(agent_id, "inactive")] if was_said else []

    def frame(self, indicator: Indicator, *, at: datetime) -> str:
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.dumps(
            {
                "type": "typing",
                "conversationId": self._conversation_id,
                "senderId": indicator.agent_id,
                "timestamp": moment,
                "state": indicator.state,
            },
            separators=(",", ":"),
        )

    # What the driver and the session ask

    def first_frames(self) -> tuple[str, ...]:
        return ()

    def frame_received(self, data: str | bytes) -> Event:
        """Nothing that the platform says here is of use."""
        frame = decode_frame(data)
        return frame if isinstance(frame, Malformed) else Ignored(str(frame.get("type", ""))[:64])

    def keep_alive(self) -> str:
        return _KEEP_ALIVE

    def verdict(self, close: Close) -> Verdict:
        """Again on any code but 1000."""
        if close.http_status is not None:
            return _handshake_verdict(close)
        if close.code is None:
            return Reconnect("failed to connect")
        reason = f"closed with {close.code}"
        if close.code == _CLOSED_ON_PURPOSE:
            return End(reason)
        if close.code in _TOKEN_CODES:
            return RenewToken(reason)
        if close.code == _FORBIDDEN_CODE:
            return GiveUp(_forbidden())
        return Reconnect(reason)


def _handshake_verdict(close: Close) -> Verdict:
    reason = f"handshake answered with {close.http_status}"
    if close.http_status == 401:
        return RenewToken(reason)
    if close.http_status == 403:
        return GiveUp(_forbidden())
    if close.http_status in (404, 410):
        return End(f"{reason}: the platform does not know the conversation")
    return Reconnect(reason, at_least_s=close.retry_after_s or 0.0)


def _forbidden() -> str:
    return str(ScopeMissing("typing socket", SCOPES_BY_CALL["typing socket"]))
