"""Faults on request: which rule fires for which request. Decides only; `dispositions` acts.

A rule is `{"where", "kind", "nth" | "probability" + "seed", "times", …parameters}`:
- where: token, post, put, history, active, translate, presign, upload, analytics, handshake (the
  org socket's opening), socket (each frame sent), transcript_handshake and transcript (the same of
  transcript sockets), webchat_handshake and webchat (the same of a guest's socket),
  typing_handshake and typing (each frame that comes on an agent's typing socket);
  of calls: call_handshake, subscribe (each first frame), call (each frame sent on a
  transcription socket), knowledge;
- nth: 1-based number (or list of numbers) of the request at that place since the rule came;
  without nth or probability it fires at once, `times` times (default 1);
- conversation, contains: only for that conversation, only for texts that contain this;
- tag: a name by which rules are taken back together.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HTTP_PLACES = frozenset(
    {
        "token",
        "post",
        "put",
        "history",
        "active",
        "translate",
        "presign",
        "upload",
        "knowledge",
        "analytics",
    }
)
HANDSHAKES = {
    "socket": "handshake",
    "transcript": "transcript_handshake",
    "webchat": "webchat_handshake",
    "call": "call_handshake",
    "typing": "typing_handshake",
}
PLACES = HTTP_PLACES | frozenset(HANDSHAKES) | frozenset(HANDSHAKES.values()) | {"subscribe"}

STATUS_KINDS = {
    str(code): code
    for code in (400, 401, 403, 404, 405, 408, 409, 413, 429, 456, 500, 502, 503, 504, 529)
}
ANSWER_KINDS = frozenset(STATUS_KINDS) | {
    "status", "5xx_before", "5xx_after", "html", "truncated", "empty", "wrong_schema", "slow",
    "timeout_before", "timeout_after", "reset_before", "reset_after", "late_apply", "missing",
}  # fmt: skip
ECHO_KINDS = frozenset(
    {"lost_echo", "late_echo", "early_echo", "duplicate_echo", "echo_without_id",
     "answer_without_id"}
)  # fmt: skip
TRANSLATE_KINDS = frozenset({"too_few", "source_returned", "empty_texts"})
ANALYTICS_KINDS = frozenset({"no_entity"})
SOCKET_KINDS = frozenset({"close", "drop", "duplicate", "lost", "delay", "malformed"})
SUBSCRIBE_KINDS = frozenset({"error", "silent"})
HANDSHAKE_KINDS = frozenset(STATUS_KINDS) | {"status", "drop", "slow"}

# Accepted, and closed with that code: how it refuses a token or a scope (protocol §3).
CLOSING_KINDS = frozenset({"1008", "1002"})

KINDS_BY_PLACE = {
    **dict.fromkeys(HTTP_PLACES, ANSWER_KINDS),
    "post": ANSWER_KINDS | ECHO_KINDS,
    "translate": ANSWER_KINDS | TRANSLATE_KINDS,
    "analytics": ANSWER_KINDS | ANALYTICS_KINDS,
    "socket": SOCKET_KINDS,
    "handshake": HANDSHAKE_KINDS,
    "transcript": SOCKET_KINDS - {"delay"},
    "transcript_handshake": HANDSHAKE_KINDS | CLOSING_KINDS,
    "webchat": SOCKET_KINDS,
    "webchat_handshake": HANDSHAKE_KINDS,
    "call_handshake": HANDSHAKE_KINDS,
    "subscribe": SUBSCRIBE_KINDS,
    "call": SOCKET_KINDS | {"error"},
    "typing_handshake": HANDSHAKE_KINDS,
    "typing": frozenset({"close", "drop"}),
}
RULE_KEYS = frozenset(
    {"where", "kind", "nth", "probability", "seed", "times", "conversation", "contains", "tag"}
)


class BadRule(ValueError):
    """A rule that cannot be meant as written."""


@dataclass(slots=True)
class Rule:
    """One rule with its counters; `parameters` is whatever else the rule held."""

    where: str
    kind: str
    nth: frozenset[int] | None
    probability: float | None
    times: int | None
    conversation: str | None
    contains: str | None
    parameters: dict[str, Any]
    random: random.Random
    tag: str | None = None
    seen: int = 0
    fired: int = 0

    def decides(self, *, conversation: str | None, text: str | None) -> bool:
        """Count this request, and say whether the rule fires for it."""
        if self.conversation is not None and conversation != self.conversation:
            return False
        if self.contains is not None and self.contains not in (text or ""):
            return False
        if self.times is not None and self.fired >= self.times:
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        return self.probability is None or self.random.random() < self.probability

    def number(self, name: str, default: float) -> float:
        return float(self.parameters.get(name, default))

    @property
    def status(self) -> int:
        default = 503 if self.kind.startswith("5xx") else 500
        return int(self.parameters.get("status", STATUS_KINDS.get(self.kind, default)))

    def as_json(self) -> dict[str, Any]:
        return {
            "where": self.where,
            "kind": self.kind,
            "nth": sorted(self.nth) if self.nth is not None else None,
            "probability": self.probability,
            "times": self.times,
            "parameters": self.parameters,
            "tag": self.tag,
            "seen": self.seen,
            "fired": self.fired,
        }


def parse_rule(data: Mapping[str, Any]) -> Rule:
    where, kind = str(data.get("where")), str(data.get("kind"))
    if where in HANDSHAKES and kind not in KINDS_BY_PLACE[where] and kind in HANDSHAKE_KINDS:
        where = HANDSHAKES[where]
    if where not in PLACES:
        raise BadRule(f"where={where!r}: one of {', '.join(sorted(PLACES))}")
    if kind not in KINDS_BY_PLACE[where]:
        known = ", ".join(sorted(KINDS_BY_PLACE[where]))
        raise BadRule(f"kind={kind!r} at {where}: one of {known}")
    nth, probability = data.get("nth"), data.get("probability")
    if nth is not None and probability is not None:
        raise BadRule("nth and probability exclude each other")
    numbers = None if nth is None else frozenset([nth] if isinstance(nth, int) else nth)
    times = data.get("times", 1 if nth is None and probability is None else None)
    extra = {key: value for key, value in data.items() if key not in RULE_KEYS | {"parameters"}}
    return Rule(
        where=where,
        kind=kind,
        nth=numbers,
        probability=probability,
        times=times,
        conversation=data.get("conversation"),
        contains=data.get("contains"),
        parameters={**extra, **data.get("parameters", {})},
        random=random.Random(data.get("seed", 0)),  # repeatable on purpose
        tag=data.get("tag"),
    )


@dataclass(slots=True)
class FaultBook:
    """All rules. The first rule that decides to fire wins; echo rules are picked apart, so that
    one POST can both time out and lose its echo."""

    rules: list[Rule] = field(default_factory=list)
    _by_place: dict[str, list[Rule]] = field(default_factory=dict)

    def add(self, data: Mapping[str, Any]) -> Rule:
        rule = parse_rule(data)
        self._keep(rule)
        return rule

    def _keep(self, rule: Rule) -> None:
        self.rules.append(rule)
        place = "echo" if rule.kind in ECHO_KINDS else rule.where
        self._by_place.setdefault(place, []).append(rule)

    def clear(self, *, tag: str | None = None) -> None:
        """All rules, or those of one tag."""
        kept = [] if tag is None else [rule for rule in self.rules if rule.tag != tag]
        self.rules.clear()
        self._by_place.clear()
        for rule in kept:
            self._keep(rule)

    def pick(
        self, where: str, *, conversation: str | None = None, text: str | None = None
    ) -> Rule | None:
        """The rule for this request, already counted as fired; `where="echo"` for echo rules."""
        rules = self._by_place.get(where)
        if not rules:
            return None
        chosen: Rule | None = None
        for rule in rules:  # every rule sees every request, so that nth means what it says
            if rule.decides(conversation=conversation, text=text) and chosen is None:
                chosen = rule
                rule.fired += 1
        return chosen

    def fired(self) -> int:
        return sum(rule.fired for rule in self.rules)
