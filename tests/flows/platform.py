"""The simulated platform as a flow sees it: by its control endpoints, from another process."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx

from conversations.simulator.verdict import Verdict, check

_TIMEOUT_S = 15.0


class Platform:
    """What is said to it, and what came of it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = f"{base_url}/_sim"

    def get(self, path: str, **query: Any) -> Any:
        # A connection for each call: none is left open when a test ends.
        answer = httpx.get(f"{self._base_url}{path}", params=query, timeout=_TIMEOUT_S)
        return answer.raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        # Escaped: half a surrogate pair cannot be encoded.
        content = json.dumps(body).encode()
        answer = httpx.post(f"{self._base_url}{path}", content=content, timeout=_TIMEOUT_S)
        return answer.raise_for_status().json()

    def counts(self) -> dict[str, int]:
        return dict(self.get("/counts"))

    def is_watched(self) -> bool:
        """A gateway holds an org socket, and has asked what it missed."""
        try:
            counts = self.counts()
        except httpx.TransportError:
            return False
        return counts["sockets"] > 0 and counts.get("active", 0) > 0

    def say(self, text: str, *, conversation: str, **more: Any) -> None:
        """As a guest."""
        self.post("/guest", {"text": text, "conversationId": conversation, **more})

    def send_frame(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self.post("/frame", {"base64": base64.b64encode(frame).decode()})
        else:
            self.post("/frame", {"text": frame})

    def add_faults(self, *rules: dict[str, Any]) -> None:
        self.post("/faults", list(rules))

    def fired(self) -> int:
        """How many faults have happened: a test without any has proved nothing."""
        return sum(rule["fired"] for rule in self.get("/faults")["rules"])

    def load(self, *, messages: int, conversations: int, rate: float) -> None:
        """Begins to speak: Spanish guests, agents between, a tenth of the texts twice in a row."""
        body = {"messages": messages, "conversations": conversations, "rate": rate}
        self.post("/load", body)

    def load_is_done(self) -> bool:
        return bool(self.get("/load")["done"])

    def emitted(self) -> int:
        return sum(int(run["emitted"]) for run in self.get("/load")["loads"])

    def is_served(self) -> bool:
        """All that was said is translated, delivered and has its attributes."""
        counts = self.counts()
        wanted = counts.get("expected", 0)
        return (
            self.load_is_done()
            and counts.get("applied", 0) >= wanted
            and counts.get("attributes", 0) >= wanted
        )

    def verdict(self) -> Verdict:
        return check(self.get("/ledger")["entries"])

    def spoken(self) -> int:
        """Messages of guests and agents."""
        counts = self.counts()
        return counts.get("guest", 0) + counts.get("agent", 0)


def assert_went_well(verdict: Verdict) -> None:
    """Nothing lost, doubled, out of order or translated twice; one right PUT for each message."""
    assert verdict.problems == {}
    assert verdict.extra_puts == []
    assert verdict.delivered == verdict.expected > 0
