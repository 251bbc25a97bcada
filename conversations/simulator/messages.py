"""What a conversation is on the platform, and how its events are written on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = dict[str, Any]
ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
ESCAPING = json.JSONEncoder(separators=(",", ":"))
SURROGATE = re.compile(r"[\ud800-\udfff]")


def iso(moment: datetime) -> str:
    """As the wire writes it: UTC, milliseconds, Z (protocol §1)."""
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}Z"


def frame(event: Mapping[str, Any]) -> str:
    """UTF-8 as platforms send it; escaped where half a surrogate pair could not be encoded."""
    text = ENCODER.encode(event)
    return ESCAPING.encode(event) if SURROGATE.search(text) else text


@dataclass(slots=True)
class SimulatedConversation:
    id: str
    guest: dict[str, Any]
    agent: dict[str, Any]
    language: str | None = None
    scenario: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)  # as the guest's page set it last
    messages: list[Event] = field(default_factory=list)
    last_message_at: datetime | None = None
    closed: bool = False
    closed_at: datetime | None = None
    channel: str = "messaging"  # as the analytics name it (protocol §5)

    def participant(self, kind: str) -> dict[str, Any]:
        return self.guest if kind == "guest" else self.agent

    def as_json(self) -> dict[str, Any]:
        return {
            "conversationId": self.id,
            "guest": self.guest,
            "agent": self.agent,
            "language": self.language,
            "scenario": self.scenario,
            "customAttributes": self.attributes,
            "context": self.context,
            "messages": len(self.messages),
            "closed": self.closed,
            "lastMessageAt": iso(self.last_message_at) if self.last_message_at else None,
        }
