"""Playing a scenario against consoles that are right, absent or careless."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.headless import Outcome, play_headless
from conversations.simulator.server import SimulatorServer
from conversations.simulator.verdict import check
from tests.conversations.simulator.client import Client, Console


@contextlib.asynccontextmanager
async def connected(server: SimulatorServer, *, careless: bool = False) -> AsyncIterator[Client]:
    async with ClientSession() as session:
        client = Client(session, server.base_url)
        await client.authenticate()
        console = asyncio.create_task(Console(client, careless=careless).run())
        await server.world.socket_opened.wait()
        yield client
        console.cancel()
        await asyncio.gather(console, return_exceptions=True)


async def played(
    *,
    scenario: str,
    settle_s: float = 3,
    careless: bool = False,
    webchat: bool = False,
    faults: tuple[dict[str, object], ...] = (),
) -> Outcome:
    tasks: list[asyncio.Task[None]] = []

    async def console(server: SimulatorServer) -> None:
        async with connected(server, careless=careless):
            await asyncio.Event().wait()

    outcome = await play_headless(
        SimulatorConfig(speed=200, echo_ms=1, apertium=False, faults=faults),
        scenario=scenario,
        wait_s=3,
        settle_s=settle_s,
        webchat=webchat,
        on_listening=lambda server: tasks.append(asyncio.create_task(console(server))),
    )
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return outcome


async def test_the_demo_goes_as_written_with_a_console_that_is_right() -> None:
    outcome = await played(scenario="demo")

    assert outcome.ok, outcome.lines
    assert len(outcome.lines) == 7
    assert outcome.verdict is not None
    assert outcome.verdict.delivered == outcome.verdict.expected > 30


async def test_a_console_that_does_not_know_its_echoes_is_found_out() -> None:
    outcome = await played(scenario="hotel-es", careless=True, settle_s=1)

    assert not outcome.ok
    assert outcome.verdict is not None
    assert outcome.verdict.loops


async def test_guests_on_sockets_of_their_own_are_shown_the_script_as_it_is_written() -> None:
    outcome = await played(scenario="hotel-es", webchat=True)

    assert outcome.ok, outcome.lines
    assert outcome.verdict is not None
    assert outcome.verdict.delivered == outcome.verdict.expected == 7


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"where": "webchat_handshake", "kind": "503"}, "WSServerHandshakeError"),
        ({"where": "webchat", "kind": "close", "nth": 2}, "web chat: the guest"),
        ({"where": "webchat", "kind": "duplicate", "nth": 1}, "a sequenceId came twice"),
        (
            {"where": "webchat", "kind": "lost", "contains": "Good afternoon"},
            "line 2 of the script",
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_a_guest_socket_that_fails_its_guest_is_a_failure_with_its_reason(
    fault: dict[str, object], told: str
) -> None:
    outcome = await played(scenario="hotel-es", webchat=True, settle_s=1, faults=(fault,))

    assert not outcome.ok
    assert any(told in line for line in outcome.lines), outcome.lines


async def test_nobody_connected_is_a_failure_with_its_reason() -> None:
    outcome = await play_headless(SimulatorConfig(), scenario="shop-fr", wait_s=0.1)

    assert not outcome.ok
    assert outcome.lines == ("no client on the org socket within 0.1 s",)


@pytest.mark.timeout(60)
async def test_generated_load_is_delivered_in_order_with_its_equal_texts() -> None:
    async with SimulatorServer(SimulatorConfig(echo_ms=2)) as server, connected(server) as client:
        asked = {"conversations": 10, "messages": 200, "rate": 200, "seed": 3, "equal_texts": 0.2}

        started = await client.sim("POST", "load", asked)
        async with asyncio.timeout(20):
            while (await client.sim("GET", "counts")).get("attributes", 0) < 200:
                await asyncio.sleep(0.1)

        entries = server.world.ledger.entries()
        verdict = check(entries)
        assert len(started["conversations"]) == 10
        assert (await client.sim("GET", "load"))["done"] is True
        assert verdict.is_good, verdict.problems
        assert verdict.delivered == 200
        texts = [e["text"] for e in entries if e["kind"] == "event" and e["role"] == "guest"]
        assert 20 < len(texts) - len(set(texts)) < 70
        assert (await client.sim("GET", "verdict"))["good"] is True
