"""The gateway's typing sockets, against the simulated platform (protocol §5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.gateway.agent_typing import TypingStreams
from conversations.gateway.supervisor import Supervisor
from conversations.gateway.typing_sockets import TypingSockets
from conversations.genesys.oauth import Token
from conversations.genesys.protocols.agent_typing import RECONNECT_S
from conversations.live import doorbell
from conversations.live.database import read
from conversations.models import StreamState
from tests.conversations.gateway.gateways import TYPING_SOCKET, point_at
from tests.conversations.genesys.fakes import FakeTokens


def tokens_of(world: Any, *scopes: str) -> FakeTokens:
    tokens = FakeTokens()
    granted = frozenset(scopes or ("webmessaging:send", "webmessaging:read"))
    tokens.token = Token(world.tokens.issue(granted), timezone.now() + timedelta(hours=1), 0)
    return tokens


@asynccontextmanager
async def typing(
    simulator: Any,
    *,
    limit: int = 10,
    unused_s: float = 60.0,
    reconnect_s: float = 5.0,
    tokens: FakeTokens | None = None,
) -> AsyncIterator[TypingSockets]:
    for number in range(1, 5):
        simulator.world.open_conversation(id=f"conv-{number}")
    sockets = TypingSockets(
        url=simulator.base_url.replace("http", "ws", 1) + TYPING_SOCKET,
        tokens=tokens or tokens_of(simulator.world),
        limit=limit,
        unused_s=unused_s,
        reconnect_s=reconnect_s,
    )
    try:
        yield sockets
    finally:
        await sockets.close()


def now() -> float:
    return asyncio.get_running_loop().time()


def noted(simulator: Any, kind: str, field: str) -> list[Any]:
    return [entry[field] for entry in simulator.world.ledger.entries(kinds=frozenset({kind}))]


async def until(condition: Callable[[], Any], *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_each_conversation_has_one_socket_opened_at_its_first_keystroke(simulator):
    async with typing(simulator) as sockets:
        for _ in range(5):
            sockets.keystroke("conv-1", "agent-1", at=now())
            sockets.keystroke("conv-2", "agent-2", at=now())
        await until(lambda: len(noted(simulator, "agent_typing", "state")) == 2)

        assert noted(simulator, "typing_socket", "conversationId") == ["conv-1", "conv-2"]
        assert noted(simulator, "agent_typing", "senderId") == ["agent-1", "agent-2"]
    # Whoever still types when the gateway stops is taken back, and the socket closed in good order.
    await until(lambda: simulator.typing.count == 0)
    assert noted(simulator, "agent_typing", "state")[2:] == ["inactive"] * 2
    assert noted(simulator, "typing_socket", "state").count("closed") == 2


async def test_an_indicator_waits_for_its_socket_and_goes_out_if_it_is_still_true(simulator):
    slow = {"where": "typing_handshake", "kind": "slow", "ms": 600}
    simulator.world.faults.add(slow | {"conversation": "conv-1"})
    simulator.world.faults.add(slow | {"conversation": "conv-2"})
    async with typing(simulator) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now())
        sockets.keystroke("conv-2", "agent-1", at=now() - 2.7)  # over before the socket is open
        await until(lambda: simulator.typing.count == 2)
        while not noted(simulator, "agent_typing", "state"):
            sockets.keystroke("conv-1", "agent-1", at=now())  # on a slow machine it would be over
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)

        assert set(noted(simulator, "agent_typing", "conversationId")) == {"conv-1"}


async def test_a_keystroke_that_is_too_old_opens_nothing(simulator):
    async with typing(simulator) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now() - 3.0)

        assert len(sockets) == 0


async def test_an_unused_socket_is_closed_and_opened_again_at_the_next_keystroke(simulator):
    async with typing(simulator, unused_s=0.3) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now() - 2.9)
        await until(lambda: simulator.typing.count == 1 or len(sockets) == 0)
        await until(lambda: len(sockets) == 0)

        sockets.keystroke("conv-1", "agent-1", at=now())
        await until(lambda: "active" in noted(simulator, "agent_typing", "state"))

        assert len(sockets) == 1


async def test_the_one_unused_longest_makes_room_and_what_finds_none_is_counted(simulator, caplog):
    async with typing(simulator, limit=2) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now() - 2.9)  # is over at once
        sockets.keystroke("conv-2", "agent-1", at=now())
        await until(lambda: simulator.typing.count == 2)
        await asyncio.sleep(0.15)

        sockets.keystroke("conv-3", "agent-1", at=now())
        await until(lambda: len(sockets) == 1)
        sockets.keystroke("conv-3", "agent-1", at=now())
        await until(lambda: "conv-3" in noted(simulator, "agent_typing", "conversationId"))
        sockets.keystroke("conv-2", "agent-1", at=now())
        sockets.keystroke("conv-3", "agent-1", at=now())
        sockets.keystroke("conv-4", "agent-1", at=now())  # both are in use

        assert simulator.typing.count == 2
        assert sockets.turned_away == 1
        assert "raise TYPING_SOCKETS" in caplog.text


async def test_a_missing_scope_rests_them_all_and_is_said(simulator, caplog):
    tokens = tokens_of(simulator.world, "webchat:read")
    async with typing(simulator, tokens=tokens) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now())
        await until(lambda: sockets.refusal)
        sockets.keystroke("conv-1", "agent-1", at=now())
        sockets.keystroke("conv-2", "agent-1", at=now())

        assert len(sockets) == 0
        assert "webmessaging:send" in sockets.refusal
        assert noted(simulator, "typing_handshake", "status") == [403]


async def test_what_the_platform_closed_on_purpose_rests_a_while(simulator):
    async with typing(simulator) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now())
        await until(lambda: noted(simulator, "agent_typing", "state"))

        simulator.typing.close(1000, "done")
        await until(lambda: len(sockets) == 0)
        sockets.keystroke("conv-1", "agent-1", at=now())

        assert len(sockets) == 0


async def test_any_other_close_is_waited_out_and_no_conversation_has_two(simulator):
    """5 s and up to 1 s of jitter, by the protocol; here it is less."""
    assert RECONNECT_S == 5.0
    async with typing(simulator, reconnect_s=0.6) as sockets:
        sockets.keystroke("conv-1", "agent-1", at=now())
        await until(lambda: noted(simulator, "agent_typing", "state"))

        simulator.typing.close(1011, "restart")
        closed_at = now()
        await until(lambda: simulator.typing.count == 0)
        while now() < closed_at + 0.5:  # an agent who goes on typing opens no second socket
            sockets.keystroke("conv-1", "agent-1", at=now())
            await asyncio.sleep(0.1)
            opened = len(noted(simulator, "typing_socket", "state")) - 1
            assert opened == 1 or now() >= closed_at + 0.6  # not before it may
        await until(lambda: len(noted(simulator, "agent_typing", "state")) == 2)

        assert now() - closed_at >= 0.6
        assert noted(simulator, "agent_typing", "state") == ["active", "active"]


@pytest.mark.django_db(transaction=True)
async def test_one_gateway_alone_hears_what_the_doorbell_sends(settings, simulator):
    """From the web process's side to the platform, by way of the channel layer."""
    point_at(settings, simulator)
    simulator.world.open_conversation(id="conv-1")
    doorbell.bind(asyncio.get_running_loop())
    gateways = [Supervisor([TypingStreams()], owner=name) for name in ("first", "second")]
    running = [asyncio.create_task(one.run(), name="gateway") for one in gateways]

    async def typed_until(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 30  # a doorbell that fails once is left alone for 10 s
        while not condition():
            assert time.monotonic() < deadline, await read(what_is_held)
            doorbell.keystroke("conv-1", "agent-1", age_s=0.1)
            await asyncio.sleep(0.1)

    await typed_until(lambda: noted(simulator, "agent_typing", "state"))
    (held,) = await read(what_is_held)
    while held["reason"] != "1 of at most 1000 sockets open":  # it is written down each second
        await asyncio.sleep(0.1)
        (held,) = await read(what_is_held)
    assert noted(simulator, "typing_socket", "state") == ["open"]
    assert set(noted(simulator, "agent_typing", "senderId")) == {"agent-1"}
    assert held["state"] == "live"

    # The one that has it stops: who types is taken back, and the other goes on.
    leaving = ["first", "second"].index(held["owner"])
    gateways[leaving].stop()
    await running[leaving]
    assert noted(simulator, "agent_typing", "state")[-1] == "inactive"
    await until(lambda: simulator.typing.count == 0)
    await typed_until(lambda: simulator.typing.count == 1)

    gateways[1 - leaving].stop()
    await asyncio.gather(*running)


def what_is_held() -> list[dict[str, Any]]:
    return list(StreamState.objects.filter(kind="typing").values("state", "owner", "reason"))
