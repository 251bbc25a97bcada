"""The org-wide messaging socket (protocol §1): frames to events, closes to verdicts.

Never fatal: what cannot be read is `Malformed`, what is not known is `Ignored`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from conversations.genesys.events import Event, Malformed
from conversations.genesys.exceptions import ScopeMissing
from conversations.genesys.frames import decode_frame, malformed
from conversations.genesys.protocols.messages import InvalidEvent, event_of
from conversations.genesys.protocols.verdicts import Close, GiveUp, Reconnect, RenewToken, Verdict
from conversations.genesys.scopes import SCOPES_BY_CALL

_KEEP_ALIVE = '{"type":"keepalive"}'
_PACED_S = 5.0  # the server asked for time: 1012 restarts, 1013 and 429 are overloaded
_PACED_CODES = frozenset({1012, 1013})
_TOKEN_CODES = frozenset({1008, 4401})
_FORBIDDEN_CODE = 4403


class MessagingProtocol:
    KEEP_ALIVE_S: float = 25  # protocol §1, D: shape and interval

    def first_frames(self) -> tuple[str, ...]:
        return ()

    def frame_received(self, data: str | bytes) -> Event:
        frame = decode_frame(data)
        if isinstance(frame, Malformed):
            return frame
        try:
            return event_of(frame)
        except InvalidEvent as defect:
            return malformed(data, str(defect))

    def keep_alive(self) -> str:
        return _KEEP_ALIVE

    def verdict(self, close: Close) -> Verdict:
        """The org socket never ends by itself: 1000 and 1001 reconnect like the others."""
        if close.http_status is not None:
            return _handshake_verdict(close.http_status, close)
        if close.code is None:
            return Reconnect("failed to connect")
        if close.code in _TOKEN_CODES:
            return RenewToken(f"closed with {close.code}")
        if close.code == _FORBIDDEN_CODE:
            return GiveUp(_forbidden())
        at_least_s = _PACED_S if close.code in _PACED_CODES else 0.0
        return Reconnect(f"closed with {close.code}", at_least_s=at_least_s)


def _handshake_verdict(status: int, close: Close) -> Verdict:
    reason = f"handshake answered with {status}"
    if status == 401:
        return RenewToken(reason)
    if status == 403:
        return GiveUp(_forbidden())
    if status == 429:
        return Reconnect(reason, at_least_s=max(close.retry_after_s or 0.0, _PACED_S))
    return Reconnect(reason, at_least_s=close.retry_after_s or 0.0)


def _forbidden() -> str:
    return str(ScopeMissing("org socket", SCOPES_BY_CALL["org socket"]))


def socket_url(base: str, access_token: str) -> str:
    """The token travels in the query: log this through `mask_url` only."""
    separator = "&" if "?" in base else "?"
    return f"{base}{separator}{urlencode({'access_token': access_token})}"


def no_headers(_token: object) -> Mapping[str, str]:
    return {}
