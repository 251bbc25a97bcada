"""The platform's calls, over real HTTP and sockets."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer, run_in_thread
from tests.conversations.simulator.client import MESSAGING, Client


@pytest.mark.parametrize("path", ["/oauth/token", "/api/v2/oauth/token"])
async def test_a_client_authenticates_by_form_too(server: SimulatorServer, path: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "scope": "webchat:send",
    }

    async with ClientSession() as session:
        good = await session.post(server.base_url + path, data=form)
        bad = await session.post(server.base_url + path, data={**form, "client_secret": "x"})
        body = await good.json()

    assert good.status == 200
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3600
    assert bad.status == 401
    assert server.world.ledger.counts["token"] == 2


async def test_a_bad_token_is_refused_in_the_handshake(client: Client) -> None:
    client.token = "wrong"

    with pytest.raises(WSServerHandshakeError) as refused:
        await client.listen()

    assert refused.value.status == 401


async def test_an_expired_token_is_refused_everywhere() -> None:
    config = SimulatorConfig(token_life_s=0)
    async with SimulatorServer(config) as server, ClientSession() as session:
        client = Client(session, server.base_url)
        await client.authenticate()
        key = server.world.open_conversation().id

        assert (await client.post(key, "Hello")).status == 401
        assert (await client.put(key, "Hola", "ES")).status == 401
        assert (await client.history(key)).status == 401


async def test_a_token_without_the_scope_gets_403_that_names_it(server: SimulatorServer) -> None:
    async with ClientSession() as session:
        client = Client(session, server.base_url)
        narrow = server.world.tokens.issue(frozenset({"webchat:send"}))
        client.headers = {"Authorization": f"Bearer {narrow}"}

        answer = await client.post(server.world.open_conversation().id, "Hello")

        assert answer.status == 403
        assert "conversation:write" in (await answer.json())["message"]


async def test_what_is_posted_comes_back_as_the_guest_on_every_socket(
    client: Client, server: SimulatorServer
) -> None:
    one, two = await client.listen(), await client.listen()
    key = server.world.open_conversation(guest="Ana").id

    answer = await client.post(key, "Hello there")
    posted = (await answer.json())["id"]

    for socket in (one, two):
        echo = await client.messages(socket)
        assert echo["from"]["type"] == "guest"
        assert echo["text"] == "Hello there"
        assert echo["id"] == posted
    messages = (await (await client.history(key)).json())["messages"]
    assert [message["id"] for message in messages] == [posted]


async def test_ids_can_be_left_out_of_events_and_answers() -> None:
    config = SimulatorConfig(ids_in_events=False, ids_in_answers=False, echo_ms=0)
    async with SimulatorServer(config) as server, ClientSession() as session:
        client = Client(session, server.base_url)
        await client.authenticate()
        socket = await client.listen()

        answer = await client.post(server.world.open_conversation().id, "Hello")

        assert "id" not in await answer.json()
        assert "id" not in await client.messages(socket)


@pytest.mark.parametrize(
    "change",
    [{"text": ""}, {"text": None}, {"type": "html"}, {"from": {"type": "bot", "id": "x"}},
     {"to": {"type": "guest"}}, {"from": {"type": "guest"}}],
)  # fmt: skip
async def test_a_post_that_is_not_as_documented_is_refused(
    client: Client, server: SimulatorServer, change: dict[str, object]
) -> None:
    key = server.world.open_conversation().id

    answer = await client.post(key, "Hello", **change)

    assert answer.status == 400
    assert server.world.conversations[key].messages == []


async def test_unknown_conversations_are_not_found(client: Client) -> None:
    assert (await client.post("conv-none", "Hello")).status == 404
    assert (await client.put("conv-none", "Hola", "ES")).status == 404
    assert (await client.history("conv-none")).status == 404


async def test_attributes_are_replaced_not_merged(client: Client, server: SimulatorServer) -> None:
    conversation = server.world.open_conversation()
    url = f"{client.base_url}{MESSAGING}/{conversation.id}"

    for attributes in ({"a": "1", "b": "2"}, {"b": "3"}):
        await client.session.put(url, json={"customAttributes": attributes}, headers=client.headers)

    assert conversation.attributes == {"b": "3"}


async def test_active_conversations_are_those_with_a_message_since(
    client: Client, server: SimulatorServer
) -> None:
    server.world.open_conversation()
    spoken = server.world.open_conversation()
    server.world.say_as_guest(spoken, "Hola")

    url = f"{client.base_url}{MESSAGING}"
    since = {"activeSince": "2024-01-01T00:00:00.000Z"}
    answer = await client.session.get(url, params=since, headers=client.headers)
    later = {"activeSince": "2999-01-01T00:00:00+00:00"}
    none = await client.session.get(url, params=later, headers=client.headers)

    rows = (await answer.json())["conversations"]
    assert [row["conversationId"] for row in rows] == [spoken.id]
    assert (await none.json())["conversations"] == []


async def test_keepalives_are_counted_and_keep_a_socket_open() -> None:
    config = SimulatorConfig(silent_s=0.4)
    async with SimulatorServer(config) as server, ClientSession() as session:
        client = Client(session, server.base_url)
        await client.authenticate()
        clock = time.monotonic()
        server.world.monotonic = lambda: clock
        talking, silent = await client.listen(), await client.listen()

        for number in range(4):
            clock += 0.15
            await talking.send_json({"type": "keepalive"})
            async with asyncio.timeout(10):
                while server.world.ledger.counts["keepalive"] <= number:
                    await asyncio.sleep(0.01)
        ended = await silent.receive(timeout=10)

        assert ended.type is WSMsgType.CLOSE
        assert silent.close_code == 1001
        assert not talking.closed
        assert server.world.ledger.counts["keepalive"] == 4
        assert len(server.world.sockets) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012])
async def test_sockets_close_with_the_code_asked_for(client: Client, code: int) -> None:
    socket = await client.listen()

    await client.sim("POST", "socket/close", {"code": code})
    await socket.receive(timeout=2)

    assert socket.close_code == code


async def test_a_dropped_socket_ends_without_a_close_frame(client: Client) -> None:
    socket = await client.listen()

    await client.sim("POST", "socket/close", {"code": 1006})
    ended = await socket.receive(timeout=2)

    assert ended.type in {WSMsgType.CLOSED, WSMsgType.ERROR}
    assert socket.close_code == 1006


async def test_the_control_endpoints_speak_for_guest_and_agent(client: Client) -> None:
    socket = await client.listen()

    said = await client.sim("POST", "guest", {"name": "Ana", "text": "¿Hola?", "id": False})
    key = said["conversationId"]
    await client.sim("POST", "agent", {"conversationId": key, "text": "Hello"})
    await client.sim("POST", "typing", {"conversationId": key, "state": "active"})
    await client.sim("POST", "read", {"conversationId": key, "from": "guest"})
    await client.sim("POST", "repeat", {"conversationId": key, "count": 1})
    await client.sim("POST", "frame", {"text": "{nonsense"})
    await client.sim("POST", "frame", {"base64": base64.b64encode(b"\x00\xff").decode()})

    frames = [await socket.receive(timeout=2) for _ in range(7)]
    guest, agent, typing, read, repeated = (frame.json() for frame in frames[:5])
    assert guest["from"]["name"] == "Ana"
    assert "id" not in guest
    assert agent["from"]["type"] == "agent"
    assert typing == {
        "type": "typing", "conversationId": key, "from": guest["from"], "state": "active",
    }  # fmt: skip
    assert read["messageId"] == agent["id"]
    assert repeated == agent
    assert frames[5].data == "{nonsense"
    assert frames[6].data == b"\x00\xff"
    rows = (await client.sim("GET", "conversations"))["conversations"]
    assert [row["conversationId"] for row in rows] == [key]


async def test_a_wrong_control_request_says_what_is_wrong(client: Client) -> None:
    assert "no scenario" in (await client.sim("POST", "scenario", {"name": "none"}))["error"]
    assert "where" in (await client.sim("POST", "faults", {"where": "x", "kind": "429"}))["error"]
    assert "error" in await client.sim("POST", "load", {"messages": 0})


async def test_the_ledger_can_be_read_from_a_number_on(client: Client) -> None:
    await client.sim("POST", "guest", {"text": "Hola"})
    whole = await client.sim("GET", "ledger")
    last = whole["entries"][-1]

    rest = await client.sim("GET", f"ledger?since={last['seq'] - 1}")
    tokens = await client.sim("GET", "ledger?kind=token")

    assert rest["entries"] == [last]
    assert [entry["kind"] for entry in tokens["entries"]] == ["token"]


def test_a_simulator_runs_in_a_thread_and_stops() -> None:
    running = run_in_thread(SimulatorConfig())
    try:
        assert running.port > 0
        assert running.base_url.endswith(str(running.port))
        with pytest.raises(OSError, match="address"):
            run_in_thread(SimulatorConfig(port=running.port))
    finally:
        running.stop()
        running.stop()


async def test_without_ids_nobody_says_the_same_twice_in_a_millisecond() -> None:
    async with SimulatorServer(SimulatorConfig(ids_in_events=False)) as server:
        now = server.world.now()
        server.world.now = lambda: now
        conversation = server.world.open_conversation(id="conv-1")

        said = [server.world.say_as_guest(conversation, "Hola") for _ in range(3)]

        assert len({event["timestamp"] for event in said}) == 3
