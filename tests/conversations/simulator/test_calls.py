"""The simulated calls, as a client of any make sees them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer

PATH = "/api/v2/analytics/conversations/transcriptions"


def subscription(**changes: Any) -> dict[str, Any]:
    return {
        "type": "subscribe",
        "interactionId": "call-quiet-1",
        "language": "en-US",
        "model": "en-US-default",
        "redaction": {"enabled": True, "type": "pii"},
    } | changes


async def subscribed(client, **changes: Any) -> tuple[ClientWebSocketResponse, dict]:
    socket = await client.session.ws_connect(f"{client.base_url}{PATH}", headers=client.headers)
    await socket.send_json(subscription(**changes))
    return socket, await socket.receive_json(timeout=5)


async def test_a_call_is_heard_once_it_is_subscribed_to(server, client) -> None:
    socket, answer = await subscribed(client)

    await client.session.post(
        f"{client.base_url}/_sim/calls/say",
        json={"interactionId": "call-quiet-1", "text": "good morning", "latency_ms": 250},
    )
    chunk = await socket.receive_json(timeout=5)

    assert answer == {"type": "subscribed"}
    assert (chunk["type"], chunk["text"], chunk["final"]) == ("transcription", "good morning", True)
    await socket.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "en"},
        {"redaction": {"enabled": True}},
        {"maxConcurrentStreams": 11},
        {"surprise": 1},
        {"model": ""},
    ],
)
async def test_a_wrong_subscription_is_refused(client, changes) -> None:
    socket, answer = await subscribed(client, **changes)

    assert answer["type"] == "error"
    assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE


async def test_one_stream_too_many_is_refused(client, server) -> None:
    sockets = [
        await subscribed(client, interactionId=f"call-quiet-{number}")
        for number in range(server.config.call_limit)
    ]

    _, answer = await subscribed(client, interactionId="one-too-many")

    assert "concurrent" in answer["message"]
    for socket, _ in sockets:
        await socket.close()


def received(running: SimulatorServer) -> list[dict[str, Any]]:
    return list(running.world.ledger.entries(kinds=frozenset({"call_received"})))


async def test_a_silent_client_is_closed_and_a_keep_alive_prevents_it() -> None:
    from aiohttp import ClientSession

    from tests.conversations.simulator.client import Client

    config = SimulatorConfig(call_silent_s=0.4, apertium=False)
    async with SimulatorServer(config) as running, ClientSession() as session:
        client = Client(session, running.base_url)
        await client.authenticate()
        clock = time.monotonic()
        running.world.monotonic = lambda: clock
        silent, _ = await subscribed(client, interactionId="call-quiet-1")
        alive, _ = await subscribed(client, interactionId="call-quiet-2")

        for _ in range(4):
            clock += 0.15
            heard = len(received(running))
            await alive.send_str('{"type":"keepalive"}')
            async with asyncio.timeout(10):
                while (
                    len(running.world.ledger.entries(kinds=frozenset({"call_received"}))) == heard
                ):
                    await asyncio.sleep(0.01)

        assert (await silent.receive(timeout=10)).type is WSMsgType.CLOSE
        assert silent.close_code == 1001
        assert not alive.closed
        await alive.close()


async def test_a_script_speaks_with_interims_late_lines_and_other_codecs() -> None:
    from aiohttp import ClientSession

    from tests.conversations.simulator.client import Client

    async with (
        SimulatorServer(SimulatorConfig(speed=400.0, apertium=False)) as running,
        ClientSession() as session,
    ):
        client = Client(session, running.base_url)
        await client.authenticate()
        socket, _ = await subscribed(client, interactionId="call-hotel-en")
        finals, interims, codecs = [], 0, set()
        while "Perfect, thank you" not in "".join(finals):
            chunk = json.loads(await socket.receive_str(timeout=10))
            codecs.add(chunk["mediaType"])
            if chunk["final"]:
                finals.append(chunk["text"])
            else:
                interims += 1

        assert interims > 20
        assert codecs == {"audio/ulaw", "audio/opus"}
        await socket.close()


async def test_faults_of_calls_are_made_on_request(client, server) -> None:
    server.world.faults.add({"where": "call_handshake", "kind": "403"})
    server.world.faults.add({"where": "subscribe", "kind": "error", "message": "429 limit"})
    server.world.faults.add({"where": "call", "kind": "duplicate"})

    refused = await client.session.get(f"{client.base_url}{PATH}", headers=client.headers)
    _, denied = await subscribed(client)
    socket, _ = await subscribed(client)
    server.calls.say("call-quiet-1", "twice")
    twice = [await socket.receive_json(timeout=5) for _ in range(2)]

    assert refused.status == 403
    assert denied == {"type": "error", "message": "429 limit"}
    assert twice[0] == twice[1]
    await socket.close()
