"""What is subscribed to on the transcription socket (protocol §4), checked before it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REDACTION_TYPES = ("pii", "custom", "none")
_LANGUAGE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_KEYS = frozenset(
    {"type", "interactionId", "language", "model", "redaction", "maxConcurrentStreams"}
)
_REDACTION_KEYS = frozenset({"enabled", "type"})


@dataclass(frozen=True, slots=True)
class Violation:
    """`path` as in "redaction.type"; the message names no value."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSubscription(ValueError):
    """Everything that is wrong with it, at once."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = violations


def subscribe_frame(payload: Mapping[str, Any]) -> str:
    """The frame's text. Raises InvalidSubscription."""
    violations = violations_of(payload)
    if violations:
        raise InvalidSubscription(violations)
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def violations_of(payload: Mapping[str, Any]) -> list[Violation]:
    found = [
        *_type(payload.get("type")),
        *_filled(payload, "interactionId"),
        *_language(payload.get("language")),
        *_filled(payload, "model"),
        *_redaction(payload),
    ]
    if "maxConcurrentStreams" in payload:
        found += _streams(payload["maxConcurrentStreams"])
    found += [Violation(key, "is no key of a subscription") for key in sorted(set(payload) - _KEYS)]
    return found


def _type(value: object) -> list[Violation]:
    return [] if value == "subscribe" else [Violation("type", "must be subscribe")]


def _filled(payload: Mapping[str, Any], key: str) -> list[Violation]:
    value = payload.get(key)
    if isinstance(value, str) and value.strip():
        return []
    return [Violation(key, "must be a string that is not empty")]


def _language(value: object) -> list[Violation]:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return []
    return [Violation("language", "must look like en-US")]


def _redaction(payload: Mapping[str, Any]) -> list[Violation]:
    redaction = payload.get("redaction")
    if not isinstance(redaction, Mapping):
        return [Violation("redaction", "must be an object with enabled and type")]
    found = []
    if not isinstance(redaction.get("enabled"), bool):
        found.append(Violation("redaction.enabled", "must be true or false"))
    if redaction.get("type") not in REDACTION_TYPES:
        found.append(Violation("redaction.type", f"must be one of {', '.join(REDACTION_TYPES)}"))
    unknown = sorted(set(redaction) - _REDACTION_KEYS)
    return found + [Violation(f"redaction.{key}", "is no key of redaction") for key in unknown]


def _streams(value: object) -> list[Violation]:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10:
        return []
    return [Violation("maxConcurrentStreams", "must be a whole number from 1 to 10")]
