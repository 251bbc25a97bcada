"""The analytics of protocol §5: one question, one conversation, a limit, and patience asked for.

Each call's entry in the ledger says whether it came `early` (before the end of a wait that was
asked for) or `doubled` (while the same question was under way, or after it was answered in full).
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.dispositions import answer, carry_out
from conversations.simulator.messages import SimulatedConversation, iso
from conversations.simulator.tokens import refuse

if TYPE_CHECKING:
    from conversations.simulator.calls.board import Calls
    from conversations.simulator.world import World

ANALYTICS = "/api/v2/analytics/interactions/details/query"
ANALYTICS_SCOPES = frozenset({"analytics:read"})
FIELDS = ["conversationId", "startTime", "endTime", "channelType"]
UNSAID_WAIT_S = 2.0  # a 429 without Retry-After
MINUTE_S = 60.0
_MOST_KEPT = 20_000


class AnalyticsEndpoint:
    def __init__(self, world: World, calls: Calls) -> None:
        self._world = world
        self._voice = calls
        self._calls: deque[float] = deque()  # of the last minute
        self._free_at = 0.0  # until then the caller was asked to wait
        self._under_way: set[str] = set()
        self._told: dict[str, None] = {}  # conversations whose end was told

    async def handle(self, request: web.Request) -> web.Response:
        world = self._world
        body = _parsed(await request.read())
        key = _asked_for(body)
        entry = world.ledger.add(
            "analytics",
            conversationId=key,
            early=world.monotonic() < self._free_at,
            doubled=key in self._under_way or key in self._told,
        )
        for flaw in ("early", "doubled"):
            world.ledger.counts[f"analytics_{flaw}"] += bool(entry[flaw])
        refused = refuse(request, world=world, needed=ANALYTICS_SCOPES) or _invalid(body)
        if refused is None:
            refused = self._beyond_the_limit()
        if refused is not None:
            entry["status"] = refused.status
            return self._noted(refused)

        async def apply() -> web.Response:
            return answer({"entities": self._entities(key)}, headers=self._remaining())

        self._under_way.add(key)
        try:
            rule = world.faults.pick("analytics", conversation=key)
            if rule is not None and rule.kind == "no_entity":
                entry["fault"], entry["status"] = rule.kind, 200
                return answer({"entities": []}, headers=self._remaining())
            response = await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)
        finally:
            self._under_way.discard(key)
        if response.status == 200 and rule is None and self._has_ended(key):
            self._told[key] = None
            if len(self._told) > _MOST_KEPT:
                del self._told[next(iter(self._told))]
        return self._noted(response)

    def _beyond_the_limit(self) -> web.Response | None:
        now = self._world.monotonic()
        while self._calls and now - self._calls[0] >= MINUTE_S:
            self._calls.popleft()
        if len(self._calls) >= self._world.config.analytics_per_minute:
            wait_s = math.ceil(MINUTE_S - (now - self._calls[0]))
            body = {"message": "Rate limit exceeded", "code": "too.many.requests", "status": 429}
            return answer(body, status=429, headers={"Retry-After": str(max(1, wait_s))})
        self._calls.append(now)
        return None

    def _remaining(self) -> dict[str, str]:
        left = self._world.config.analytics_per_minute - len(self._calls)
        return {"X-RateLimit-Remaining": str(left)}

    def _noted(self, response: web.Response) -> web.Response:
        """What a 429 asks for is remembered, to tell who does not wait."""
        if response.status == 429:
            asked = response.headers.get("Retry-After", "")
            wait_s = float(asked) if asked.isdigit() else UNSAID_WAIT_S
            self._free_at = max(self._free_at, self._world.monotonic() + wait_s)
        return response

    def _entities(self, key: str) -> list[dict[str, Any]]:
        """A conversation is known here a while after its first message, as in earnest."""
        conversation = self._world.conversations.get(key)
        call_began_at = self._voice.began_at(key)
        if conversation is not None and conversation.messages:
            started, channel = conversation.messages[0]["timestamp"], conversation.channel
        elif call_began_at is not None:
            started, channel = iso(call_began_at), "voice"
        else:
            return []
        age_s = (self._world.now() - datetime.fromisoformat(started)).total_seconds()
        if age_s < self._world.config.analytics_delay_s:
            return []
        entity = {
            "conversationId": key,
            "startTime": started,
            "endTime": _end_of(conversation) if conversation is not None else None,
            "channelType": channel,
        }
        return [{name: value for name, value in entity.items() if value is not None}]

    def _has_ended(self, key: str) -> bool:
        return any("endTime" in entity for entity in self._entities(key))


def _end_of(conversation: SimulatedConversation) -> str | None:
    return iso(conversation.closed_at) if conversation.closed_at is not None else None


def _asked_for(body: Mapping[str, Any]) -> str:
    entity = body.get("entity")
    return str(entity.get("id", "")) if isinstance(entity, dict) else ""


def _invalid(body: Mapping[str, Any]) -> web.Response | None:
    moments = [_moment(body.get(name)) for name in ("dateFrom", "dateTo")]
    entity = body.get("entity")
    problems = []
    if moments[0] is None or moments[1] is None or moments[0] >= moments[1]:
        problems.append("dateFrom, dateTo: ISO 8601 in UTC, the first before the second")
    if not isinstance(entity, dict) or entity.get("type") != "conversation":
        problems.append("entity.type: conversation")
    elif not isinstance(entity.get("id"), str) or not entity["id"]:
        problems.append("entity.id: a string")
    if body.get("select") != FIELDS:
        problems.append(f"select: {FIELDS}")
    if not problems:
        return None
    return answer({"message": "; ".join(problems), "code": "bad.request", "status": 400},
                  status=400)  # fmt: skip


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or not value.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        return None


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
