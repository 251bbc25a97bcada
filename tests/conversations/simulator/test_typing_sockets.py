"""The agent typing socket as the platform has it (protocol §5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from conversations.simulator.server import SimulatorServer
from tests.conversations.simulator.client import Client
from tests.conversations.simulator.test_webchat import guest_of, heard

GOOD = {
    "type": "typing",
    "senderId": "agent-7",
    "timestamp": "2024-06-15T10:30:00.120Z",
    "state": "active",
}


async def opened(client: Client, key: str, **headers: str) -> ClientWebSocketResponse:
    address = f"{client.base_url}/v1/conversations/{key}/websocket"
    return await client.session.ws_connect(address, headers=headers or client.headers)


def noted(server: SimulatorServer, kind: str) -> list[dict[str, Any]]:
    return server.world.ledger.entries(kinds=frozenset({kind}))


async def until_noted(server: SimulatorServer, kind: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(3):
        while not (found := noted(server, kind)):
            await asyncio.sleep(0.01)
    return found


async def test_what_an_agent_says_there_is_shown_to_the_guest_and_on_the_org_socket(
    client: Client, server: SimulatorServer
) -> None:
    org = await client.listen()
    async with guest_of(client, server) as (guest, acknowledged):
        key = acknowledged["conversationId"]
        socket = await opened(client, key)

        for state in ("active", "inactive"):
            await socket.send_json(GOOD | {"conversationId": key, "state": state})
        told = [await heard(guest) for _ in range(2)]
        events = [await heard(org) for _ in range(2)]
        await socket.close()

    assert told == [{"type": "typing", "state": state} for state in ("active", "inactive")]
    assert [(one["type"], one["from"]["id"], one["state"]) for one in events] == [
        ("typing", "agent-7", "active"),
        ("typing", "agent-7", "inactive"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "hello"}, {"conversationId": "another"}, {"senderId": ""}, {"senderId": 7},
        {"timestamp": "now"}, {"timestamp": "2024-06-15T10:30:00"}, {"state": "started"},
    ],
)  # fmt: skip
async def test_a_frame_that_is_not_as_documented_is_noted_and_shown_to_nobody(
    client: Client, server: SimulatorServer, wrong: dict[str, Any]
) -> None:
    server.world.open_conversation(id="conv-1")
    socket = await opened(client, "conv-1")

    await socket.send_json(GOOD | {"conversationId": "conv-1"} | wrong)

    await until_noted(server, "agent_typing_refused")
    assert not noted(server, "agent_typing")
    await socket.close()


async def test_it_wants_a_token_its_scopes_and_a_conversation_that_is_there(
    client: Client, server: SimulatorServer
) -> None:
    server.world.open_conversation(id="conv-1")
    narrow = server.world.tokens.issue(frozenset({"webchat:read"}))
    tries = [
        ("conv-1", {"Authorization": "Bearer nonsense"}, 401),
        ("conv-1", {"Authorization": f"Bearer {narrow}"}, 403),
        ("missing", {}, 404),
    ]

    for key, headers, status in tries:
        with pytest.raises(WSServerHandshakeError) as refused:
            await opened(client, key, **headers)
        assert refused.value.status == status
    assert [one["status"] for one in noted(server, "typing_handshake")] == [401, 403, 404]


async def test_it_closes_with_the_code_it_is_told(client: Client, server: SimulatorServer) -> None:
    server.world.open_conversation(id="conv-1")
    socket = await opened(client, "conv-1")

    await client.sim("POST", "typing/close", {"conversationId": "conv-1", "code": 1012})
    closing = await socket.receive(3)

    assert (closing.type, closing.data) == (WSMsgType.CLOSE, 1012)


async def test_a_page_that_sets_its_context_is_told_of_on_the_org_socket(
    client: Client, server: SimulatorServer
) -> None:
    org = await client.listen()
    async with guest_of(client, server) as (guest, acknowledged):
        await guest.send_json({"type": "setContext", "context": {"preferredLanguage": "es"}})
        event = await heard(org)

    assert (event["type"], event["conversationId"]) == ("context", acknowledged["conversationId"])
    assert event["context"] == {"preferredLanguage": "es"}
