"""The tokens that the platform has given out, each with its end and its scopes."""

from __future__ import annotations

import secrets
from collections.abc import Callable

SWEEP_AT = 1000


class Tokens:
    def __init__(self, *, life_s: float, monotonic: Callable[[], float]) -> None:
        self._life_s = life_s
        self._monotonic = monotonic
        self._held: dict[str, tuple[float, frozenset[str]]] = {}

    def issue(self, scopes: frozenset[str]) -> str:
        if len(self._held) >= SWEEP_AT:
            now = self._monotonic()
            self._held = {value: held for value, held in self._held.items() if held[0] > now}
        value = secrets.token_urlsafe(24)
        self._held[value] = (self._monotonic() + self._life_s, scopes)
        return value

    def scopes(self, value: str) -> frozenset[str] | None:
        """None: not a token, or no longer one."""
        held = self._held.get(value)
        return held[1] if held is not None and held[0] > self._monotonic() else None

    def expires_at(self, value: str) -> float:
        held = self._held.get(value)
        return held[0] if held is not None else 0.0

    def revoke_all(self) -> int:
        revoked = len(self._held)
        self._held.clear()
        return revoked
