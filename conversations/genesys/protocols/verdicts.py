"""How a connection ended, and what the session should do about it: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Close:
    """`http_status` when the handshake was answered otherwise; neither: it failed to connect."""

    code: int | None
    reason: str = ""
    http_status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reconnect:
    """After the usual delay, and not before `at_least_s`."""

    reason: str
    at_least_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RenewToken:
    """Reconnect with another token; twice in a row is a refusal."""

    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The stream is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A person is needed. The session tries again slowly, so that it notices the repair."""

    reason: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A session's own: it has tried as often in a row as it may."""

    reason: str


Verdict = Reconnect | RenewToken | End | GiveUp
