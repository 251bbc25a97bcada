"""A guest's socket as the platform has it, and what becomes of what a guest writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from conversations.simulator.attachments import PRESIGN
from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer
from tests.conversations.simulator.client import Client

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 40
INFO = {"name": "Ana", "email": "ana@example.org"}


@asynccontextmanager
async def guest_of(
    client: Client, server: SimulatorServer, **metadata: Any
) -> AsyncIterator[tuple[ClientWebSocketResponse, dict[str, Any]]]:
    async with client.session.ws_connect(server.webchat_url) as socket:
        await socket.send_json({"type": "connect", "guestInfo": INFO, "metadata": metadata})
        yield socket, await heard(socket)


async def heard(socket: ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(3):
        return await socket.receive_json()  # type: ignore[no-any-return]


async def say(socket: ClientWebSocketResponse, text: str, *attachments: Any) -> None:
    await socket.send_json({"type": "message", "text": text, "attachments": list(attachments)})


async def upload(client: Client, content: bytes = PNG, name: str = "a.png") -> dict[str, Any]:
    asked = {"filename": name, "contentType": "image/png", "size": len(content)}
    answer = await client.session.post(
        client.base_url + PRESIGN, json=asked, headers=client.headers
    )
    presigned = await answer.json()
    put = await client.session.put(
        presigned["uploadUrl"], data=content, headers={"Content-Type": "image/png"}
    )
    assert put.status == 200
    return presigned["metadata"]  # type: ignore[no-any-return]


async def test_a_guest_is_acknowledged_with_conversation_and_session(
    client: Client, server: SimulatorServer
) -> None:
    async with guest_of(client, server) as (_, acknowledged):
        assert acknowledged["type"] == "connect"
        assert acknowledged["conversationId"] in server.world.conversations
        assert acknowledged["sessionId"]
        assert acknowledged["history"] == []


async def test_what_a_guest_writes_travels_the_whole_way_and_the_answers_come_back(
    client: Client, server: SimulatorServer
) -> None:
    org = await client.listen()
    async with guest_of(client, server) as (socket, acknowledged):
        key = acknowledged["conversationId"]

        await say(socket, "Hola")
        event = await client.messages(org)
        await client.post(key, "Hello")
        await client.sim("POST", "agent", {"conversationId": key, "text": "Good morning"})
        told = [await heard(socket) for _ in range(3)]

    assert (event["conversationId"], event["text"], event["from"]["name"]) == (key, "Hola", "Ana")
    assert [(one["text"], one["from"]["type"], one["sequenceId"]) for one in told] == [
        ("Hola", "guest", "msg-1"),
        ("Hello", "guest", "msg-2"),
        ("Good morning", "agent", "msg-3"),
    ]
    history = (await (await client.history(key)).json())["messages"]
    assert [one["text"] for one in history] == ["Hola", "Hello", "Good morning"]


async def test_a_session_is_taken_up_again_with_what_was_said_meanwhile(
    client: Client, server: SimulatorServer
) -> None:
    async with guest_of(client, server) as (socket, first):
        await say(socket, "Hola")
        await heard(socket)
    await client.sim("POST", "agent", {"conversationId": first["conversationId"], "text": "Hi"})

    async with guest_of(client, server, sessionId=first["sessionId"]) as (_, again):
        assert again["conversationId"] == first["conversationId"]
        assert [one["text"] for one in again["history"]] == ["Hola", "Hi"]
        assert [one["sequenceId"] for one in again["history"]] == ["msg-1", "msg-2"]


async def test_typing_and_read_marks_of_the_agent_reach_the_guest(
    client: Client, server: SimulatorServer
) -> None:
    org = await client.listen()
    async with guest_of(client, server) as (socket, acknowledged):
        key = acknowledged["conversationId"]
        await say(socket, "Hola")
        await heard(socket)

        await client.sim("POST", "read", {"conversationId": key, "from": "agent"})
        await client.sim("POST", "typing", {"conversationId": key, "from": "agent"})
        await socket.send_json({"type": "typing", "state": "active"})

        assert await heard(socket) == {"type": "readReceipt", "sequenceId": "msg-1"}
        assert await heard(socket) == {"type": "typing", "state": "active"}
    await client.messages(org)
    seen = [json.loads((await org.receive()).data) for _ in range(3)]
    assert [one["type"] for one in seen] == ["readReceipt", "typing", "typing"]
    assert seen[2]["from"]["type"] == "guest"


async def test_a_context_is_kept_with_the_conversation(
    client: Client, server: SimulatorServer
) -> None:
    async with guest_of(client, server) as (socket, acknowledged):
        await socket.send_json({"type": "setContext", "context": {"uiState": "checkout"}})
        await socket.send_json({"type": "setContext", "context": {"blob": "x" * 1_000_000}})
        answer = await heard(socket)

    conversation = server.world.conversations[acknowledged["conversationId"]]
    assert conversation.context == {"uiState": "checkout"}
    assert answer["code"] == "context.too.large"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "message", "text": "x" * 4097}, "message.too.long"),
        ({"type": "message", "text": "😀" * 2049}, "message.too.long"),
        ({"type": "message", "text": "  "}, "message.empty"),
        ({"type": "message", "text": 7}, "message.invalid"),
        ({"type": "message", "text": "x", "attachments": [{"id": "none"}]}, "attachment.missing"),
        ({"type": "message", "text": "x", "attachments": [{"id": []}]}, "attachment.missing"),
        ({"type": "setContext", "context": []}, "context.invalid"),
        ({"type": "connect", "guestInfo": INFO}, "connect.again"),
        ([], "frame.invalid"),
    ],
)
async def test_what_cannot_be_taken_is_answered_and_the_socket_lives_on(
    client: Client, server: SimulatorServer, said: Any, code: str
) -> None:
    async with guest_of(client, server) as (socket, _):
        await socket.send_json(said)
        answer = await heard(socket)
        await say(socket, "Hola")

        assert (answer["type"], answer["code"]) == ("error", code)
        assert (await heard(socket))["text"] == "Hola"


async def test_binary_frames_nonsense_and_unknown_types_end_nothing(
    client: Client, server: SimulatorServer
) -> None:
    async with guest_of(client, server) as (socket, _):
        await socket.send_bytes(b"\x00")
        await socket.send_str("nonsense")
        await socket.send_json({"type": "presence"})
        await say(socket, "Hola")

        assert [(await heard(socket)).get("code") for _ in range(2)] == [
            "frame.binary",
            "frame.invalid",
        ]
        assert (await heard(socket))["text"] == "Hola"
    assert server.world.ledger.counts["webchat_ignored"] == 1


async def test_nothing_is_taken_before_the_connect(client: Client, server: SimulatorServer) -> None:
    async with client.session.ws_connect(server.webchat_url) as socket:
        await say(socket, "Hola")

        assert (await heard(socket))["code"] == "connect.missing"
    assert not server.world.conversations


@pytest.mark.parametrize("info", [{"name": "Ana", "email": "ana"}, {"name": "", "email": "a@b.c"},
                                  {}, None])  # fmt: skip
async def test_an_invalid_guest_is_dropped_without_a_word(
    client: Client, server: SimulatorServer, info: Any
) -> None:
    async with client.session.ws_connect(server.webchat_url) as socket:
        await socket.send_json({"type": "connect", "guestInfo": info})
        async with asyncio.timeout(3):
            message = await socket.receive()

    assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)
    assert socket.close_code == 1006


async def test_an_eleventh_message_within_a_second_is_refused(
    client: Client, server: SimulatorServer
) -> None:
    server.world.monotonic = lambda: 1.0
    async with guest_of(client, server) as (socket, _):
        for number in range(11):
            await say(socket, str(number))
        answers = [await heard(socket) for _ in range(11)]

    assert [one.get("code") for one in answers].count("rate.limit") == 1
    assert server.world.ledger.counts["webchat"] == 10


async def test_a_file_is_uploaded_said_and_fetched_again(
    client: Client, server: SimulatorServer
) -> None:
    org = await client.listen()
    metadata = await upload(client)
    async with guest_of(client, server) as (socket, _):
        await say(socket, "", metadata)
        shown, event = await heard(socket), await client.messages(org)

    assert shown["attachments"] == event["attachments"] == [metadata]
    fetched = await client.session.get(metadata["url"])
    assert await fetched.read() == PNG
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    wrong = await client.session.get(metadata["url"].split("?")[0])
    assert wrong.status == 404


@pytest.mark.parametrize(
    "change",
    [{"contentType": "image/svg+xml"}, {"size": 11 << 20}, {"size": 0}, {"size": True},
     {"filename": ""}],
)  # fmt: skip
async def test_only_what_may_be_sent_gets_an_address(client: Client, change: dict[str, Any]):
    asked = {"filename": "a.png", "contentType": "image/png", "size": 9, **change}

    answer = await client.session.post(
        client.base_url + PRESIGN, json=asked, headers=client.headers
    )

    assert answer.status == 400


async def test_an_address_wants_a_token_with_the_scope(
    client: Client, server: SimulatorServer
) -> None:
    narrow = server.world.tokens.issue(frozenset({"webchat:send"}))
    asked = {"filename": "a.png", "contentType": "image/png", "size": 9}
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {narrow}"}, 403)):
        answer = await client.session.post(client.base_url + PRESIGN, json=asked, headers=headers)
        assert answer.status == status


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "image/png", "Authorization": "Bearer x"}, PNG, 400),
        ({"Content-Type": "image/jpeg"}, PNG, 403),
        ({"Content-Type": "image/png"}, PNG + b"more", 400),
        ({"Content-Type": "image/png"}, PNG[:-1], 400),
    ],
)
async def test_an_upload_must_be_as_announced_and_without_our_token(
    client: Client, headers: dict[str, str], content: bytes, status: int
) -> None:
    asked = {"filename": "a.png", "contentType": "image/png", "size": len(PNG)}
    answer = await client.session.post(
        client.base_url + PRESIGN, json=asked, headers=client.headers
    )
    presigned = await answer.json()

    put = await client.session.put(presigned["uploadUrl"], data=content, headers=headers)

    assert put.status == status
    assert (await client.session.get(presigned["metadata"]["url"])).status == 404


async def test_an_address_expires() -> None:
    from aiohttp import ClientSession

    config = SimulatorConfig(upload_life_s=0)
    async with SimulatorServer(config) as server, ClientSession() as session:
        client = Client(session, server.base_url)
        await client.authenticate()
        asked = {"filename": "a.png", "contentType": "image/png", "size": len(PNG)}
        answer = await session.post(client.base_url + PRESIGN, json=asked, headers=client.headers)

        put = await session.put(
            (await answer.json())["uploadUrl"], data=PNG, headers={"Content-Type": "image/png"}
        )

    assert put.status == 403


async def test_faults_of_a_guests_socket_are_taken_back_by_their_tag(
    client: Client, server: SimulatorServer
) -> None:
    async with guest_of(client, server) as (socket, acknowledged):
        key = acknowledged["conversationId"]
        rule = {"where": "webchat", "kind": "duplicate", "times": 9, "conversation": key}
        await client.sim("POST", "faults", {**rule, "tag": "mine"})
        await client.sim("POST", "faults", {"where": "post", "kind": "429", "tag": "others"})
        await say(socket, "Hola")
        twice = [await heard(socket) for _ in range(2)]

        left = await client.sim("DELETE", "faults?tag=mine")
        await say(socket, "Adiós")

        assert twice[0] == twice[1]
        assert [one["tag"] for one in left["rules"]] == ["others"]
        assert (await heard(socket))["text"] == "Adiós"
        await client.sim("POST", "webchat/close", {"code": 1012, "conversationId": key})
        async with asyncio.timeout(3):
            assert (await socket.receive()).data == 1012


async def test_the_scripts_are_listed_with_their_lines_and_their_meaning_is_known(
    client: Client,
) -> None:
    scripts = (await client.sim("GET", "scripts"))["scripts"]

    spanish = next(one for one in scripts if one["language"] == "ES")
    line = next(turn for turn in spanish["turns"] if turn["speaker"] == "guest")
    answer = await (await client.translate(line["text"])).json()
    assert "[" not in answer["translations"][0]["text"]
