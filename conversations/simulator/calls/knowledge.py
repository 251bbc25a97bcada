"""The knowledge service (protocol §4): articles by the words they share with the query."""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.calls.script import FOLDER
from conversations.simulator.dispositions import answer, carry_out

if TYPE_CHECKING:
    from conversations.simulator.world import World

WORD = re.compile(r"\w{3,}")
MOST = 3
GOOD_ENOUGH = 0.2


class KnowledgeEndpoint:
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.Response:
        world = self._world
        key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not key or world.config.knowledge_key not in (None, key):
            return answer({"message": "unauthorized"}, status=401)
        data = json.loads(await request.read())
        query = str(data.get("query", ""))
        entry = world.ledger.add("knowledge", query=query, interactionId=data.get("interactionId"))
        rule = world.faults.pick("knowledge", conversation=data.get("interactionId"), text=query)

        async def apply() -> web.Response:
            await asyncio.sleep(world.config.knowledge_ms / 1000)
            return answer({"results": found(query)})

        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)


def found(query: str) -> list[dict[str, Any]]:
    asked = set(WORD.findall(query.casefold()))
    scored = []
    for article, words in _articles():
        shared = len(asked & words)
        if shared:
            score = round(min(0.99, 0.25 + shared / (2 + len(asked) ** 0.5)), 2)
            scored.append((score, article))
    scored.sort(key=lambda pair: -pair[0])
    return [{**article, "score": score} for score, article in scored[:MOST] if score > GOOD_ENOUGH]


@lru_cache(maxsize=1)
def _articles() -> list[tuple[dict[str, str], set[str]]]:
    data = json.loads((FOLDER / "articles.json").read_text(encoding="utf-8"))
    return [
        (
            {key: one[key] for key in ("title", "snippet", "url")},
            set(WORD.findall(one["words"].casefold())),
        )
        for one in data
    ]
