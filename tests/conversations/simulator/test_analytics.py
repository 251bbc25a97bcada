"""The simulated analytics, as a client of any make sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer

PATH = "/api/v2/analytics/interactions/details/query"


@pytest.fixture
async def server():
    config = SimulatorConfig(apertium=False, analytics_per_minute=6, analytics_delay_s=0.1)
    async with SimulatorServer(config) as running:
        yield running


async def ask(client: Any, key: str, **changes: Any) -> ClientResponse:
    body = {
        "dateFrom": "2024-06-14T10:30:00.000Z",
        "dateTo": "2024-06-15T10:30:00.000Z",
        "entity": {"type": "conversation", "id": key},
        "select": ["conversationId", "startTime", "endTime", "channelType"],
    } | changes
    return await client.session.post(f"{client.base_url}{PATH}", json=body, headers=client.headers)


async def calls(client: Any) -> list[dict[str, Any]]:
    return (await client.sim("GET", "ledger?kind=analytics"))["entries"]


async def test_a_conversation_is_known_after_a_while_and_its_end_once_it_has_one(
    client, server
) -> None:
    now = server.world.now()
    server.world.now = lambda: now
    said = await client.sim("POST", "guest", {"conversationId": "conv-1", "text": "Hola"})
    early = await (await ask(client, "conv-1")).json()
    now += timedelta(seconds=0.15)
    running = await (await ask(client, "conv-1")).json()
    await client.sim("POST", "close", {"conversationId": "conv-1"})
    ended = await (await ask(client, "conv-1")).json()
    await ask(client, "conv-1")

    assert early == {"entities": []}
    start = said["event"]["timestamp"]
    first = {"conversationId": "conv-1", "startTime": start, "channelType": "messaging"}
    assert running == {"entities": [first]}
    assert ended["entities"][0].keys() == {*first, "endTime"}
    assert [call["doubled"] for call in await calls(client)] == [False, False, False, True]


async def test_beyond_its_limit_it_asks_for_patience_and_tells_who_has_none(client) -> None:
    for _ in range(6):
        assert (await ask(client, "conv-1")).status == 200

    answer = await ask(client, "conv-1")
    assert answer.status == 429
    assert 50 < int(answer.headers["Retry-After"]) <= 60
    await ask(client, "conv-1")

    assert [call["early"] for call in await calls(client)] == [False] * 7 + [True]
    assert (await client.sim("GET", "counts"))["analytics_early"] == 1


async def test_a_question_that_is_not_the_documented_one_is_refused(client) -> None:
    for changes in (
        {"select": ["conversationId"]},
        {"entity": {"type": "interaction", "id": "x"}},
        {"dateFrom": "yesterday"},
    ):
        assert (await ask(client, "conv-1", **changes)).status == 400
    client.headers = {"Authorization": "Bearer nonsense"}
    assert (await ask(client, "conv-1")).status == 401


async def test_faults_come_on_request(client) -> None:
    rules = [
        {"where": "analytics", "kind": "429", "retry_after": None},
        {"where": "analytics", "kind": "502", "html": True},
        {"where": "analytics", "kind": "no_entity"},
    ]
    await client.sim("POST", "faults", rules)

    answers = [await ask(client, "conv-1") for _ in range(3)]

    assert [answer.status for answer in answers] == [429, 502, 200]
    assert "Retry-After" not in answers[0].headers
    assert "html" in answers[1].headers["Content-Type"]
    assert [call["early"] for call in await calls(client)] == [False, True, True]  # 2 s unsaid
