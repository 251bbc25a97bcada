"""The simulated transcript socket, by protocol §3 alone."""

from __future__ import annotations

import json

import aiohttp
import pytest

SCOPE = "view:conversation"
PATH = "/api/v2/messaging/conversations/{}/transcript"


async def token(session, simulator, scope: str = SCOPE) -> str:
    async with session.post(
        f"{simulator.base_url}/oauth/token",
        data={
            "grant_type": "client_credentials",
            "scope": scope,
            "client_id": simulator.config.client_id,
            "client_secret": simulator.config.client_secret,
        },
    ) as answer:
        return (await answer.json())["access_token"]


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def connect(session, simulator, *, scope: str = SCOPE, key: str = "conv-1"):
    bearer = {"Authorization": f"Bearer {await token(session, simulator, scope)}"}
    url = simulator.base_url.replace("http", "ws", 1) + PATH.format(key)
    return await session.ws_connect(url, headers=bearer)


async def frame(socket) -> dict:
    return json.loads((await socket.receive(timeout=5)).data)


async def test_it_shows_both_sides_and_the_guest_as_external(session, simulator):
    world = simulator.world
    conversation = world.conversation("conv-1", guest="Maria", agent="Tom")
    socket = await connect(session, simulator)

    said = world.say_as_guest(conversation, "Hola", language="ES")
    world.say_as_agent(conversation, "Hello")
    world.type_(conversation, "guest", "active")

    first, second, third = [await frame(socket) for _ in range(3)]
    simulator.transcripts.tell_update("conv-1")
    assert (await frame(socket))["event"] == "conversationUpdated"
    assert (first["event"], first["payload"]) == (
        "messageAdded",
        {
            "id": said["id"],
            "from": {"id": "external", "name": "Maria"},
            "to": {"id": "agent-tom"},
            "text": "Hola",
            "type": "text",
            "timestamp": said["timestamp"],
        },
    )
    assert second["payload"]["from"] == {"id": "agent-tom", "name": "Tom"}
    assert second["payload"]["to"] == {"id": "external"}
    assert (third["payload"]["type"], third["payload"]["text"]) == ("system", "typing")


async def test_the_end_is_told_and_then_the_socket_is_closed(session, simulator):
    conversation = simulator.world.conversation("conv-1")
    socket = await connect(session, simulator)

    simulator.world.close_conversation(conversation)

    assert (await frame(socket))["event"] == "conversationClosed"
    last = await socket.receive(timeout=5)
    assert (last.type, last.data, last.extra) == (
        aiohttp.WSMsgType.CLOSE, 1000, "Conversation closed",
    )  # fmt: skip


async def test_whoever_comes_after_the_end_is_told_at_once(session, simulator):
    simulator.world.close_conversation(simulator.world.conversation("conv-1"))

    socket = await connect(session, simulator)

    assert (await frame(socket))["event"] == "conversationClosed"


@pytest.mark.parametrize(
    ("scope", "key", "status"), [("webchat:read", "conv-1", 403), (SCOPE, "conv-9", 404)]
)
async def test_scope_and_conversation_are_asked_for(session, simulator, scope, key, status):
    simulator.world.conversation("conv-1")

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect(session, simulator, scope=scope, key=key)

    assert refused.value.status == status


async def test_refusals_on_request(session, simulator):
    simulator.world.conversation("conv-1")
    for kind in ("401", "429", "1008", "1002"):
        simulator.world.faults.add({"where": "transcript_handshake", "kind": kind})

    for status in (401, 429):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(session, simulator)
        assert refused.value.status == status
    for code in (1008, 1002):
        socket = await connect(session, simulator)
        assert (await socket.receive(timeout=5)).data == code
