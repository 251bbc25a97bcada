"""Each fault does what it says: to the state, to the caller, to the echo, to the socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientError, ClientTimeout, ServerDisconnectedError

from conversations.simulator.faults import BadRule, FaultBook
from conversations.simulator.server import SimulatorServer
from tests.conversations.simulator.client import Client


async def outcome(client: Client, server: SimulatorServer, rule: dict[str, Any]) -> Any:
    """(what the caller saw, how many messages are there)."""
    server.world.faults.add({"where": "post", **rule})
    key = server.world.open_conversation().id
    gives_up = rule["kind"].startswith(("timeout", "late"))
    client.session._timeout = ClientTimeout(total=0.3 if gives_up else 30)
    try:
        answer = await client.post(key, "Hello")
        seen: Any = (answer.status, await answer.read())
    except TimeoutError:
        seen = "timeout"
    except (ServerDisconnectedError, ConnectionError, ClientError):
        seen = "reset"
    return seen, len(server.world.conversations[key].messages)


@pytest.mark.parametrize(
    ("kind", "seen", "applied"),
    [
        ("timeout_before", "timeout", 0),
        ("timeout_after", "timeout", 1),
        ("reset_before", "reset", 0),
        ("reset_after", "reset", 1),
    ],
)
async def test_unanswered_posts_are_applied_or_not(
    client: Client, server: SimulatorServer, kind: str, seen: str, applied: int
) -> None:
    assert await outcome(client, server, {"kind": kind}) == (seen, applied)


@pytest.mark.parametrize(
    ("rule", "status", "applied"),
    [
        ({"kind": "429", "retry_after": 7}, 429, 0),
        ({"kind": "5xx_before"}, 503, 0),
        ({"kind": "5xx_after", "status": 504, "html": True}, 504, 1),
        ({"kind": "502", "applied": True}, 502, 1),
        ({"kind": "401"}, 401, 0),
        ({"kind": "403"}, 403, 0),
        ({"kind": "html"}, 200, 1),
        ({"kind": "truncated"}, 200, 1),
        ({"kind": "empty", "applied": False}, 200, 0),
        ({"kind": "slow", "ms": 10}, 200, 1),
    ],
)
async def test_answered_faults_have_their_status_and_effect(
    client: Client, server: SimulatorServer, rule: dict[str, Any], status: int, applied: int
) -> None:
    (seen, _), there = await outcome(client, server, rule)

    assert (seen, there) == (status, applied)
    assert server.world.faults.fired() == 1


async def test_spoilt_answers_are_not_json(client: Client, server: SimulatorServer) -> None:
    (_, html), _ = await outcome(client, server, {"kind": "html"})
    (_, cut), _ = await outcome(client, server, {"kind": "truncated"})

    assert html.startswith(b"<!DOCTYPE html>")
    assert cut.startswith(b'{"id"')
    assert not cut.endswith(b"}")


async def test_a_late_apply_comes_after_the_caller_has_given_up(
    client: Client, server: SimulatorServer
) -> None:
    seen, _ = await outcome(client, server, {"kind": "late_apply", "after_s": 0.5})

    (post,) = server.world.ledger.entries(kinds=frozenset({"post"}))
    async with asyncio.timeout(10):
        while not post["applied"]:
            await asyncio.sleep(0.01)
    assert seen == "timeout"
    assert post["applied_at"] - post["at"] >= 0.5


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ({"kind": "lost_echo"}, []),
        ({"kind": "duplicate_echo"}, [True, True]),
        ({"kind": "echo_without_id"}, [False]),
        ({"kind": "late_echo", "ms": 50}, [True]),
        ({"kind": "answer_without_id"}, [True]),
    ],
)
async def test_echo_faults_change_the_echo_alone(
    client: Client, server: SimulatorServer, rule: dict[str, Any], ids: list[bool]
) -> None:
    socket = await client.listen()

    (status, body), there = await outcome(client, server, rule)

    assert (status, there) == (200, 1)
    assert (b"id" in body) == (rule["kind"] != "answer_without_id")
    assert ["id" in await client.messages(socket) for _ in ids] == ids


async def test_an_early_echo_comes_before_the_answer(
    client: Client, server: SimulatorServer
) -> None:
    server.world.faults.add({"where": "post", "kind": "early_echo", "ms": 200})
    key = server.world.open_conversation().id
    socket = await client.listen()

    posting = asyncio.create_task(client.post(key, "Hello"))
    await client.messages(socket)

    assert not posting.done()
    assert (await posting).status == 200


@pytest.mark.parametrize(
    ("rule", "code"), [({"kind": "close", "code": 1012}, 1012), ({"kind": "drop"}, 1006)]
)
async def test_socket_faults_close_it_at_the_frame_asked_for(
    client: Client, server: SimulatorServer, rule: dict[str, Any], code: int
) -> None:
    server.world.faults.add({"where": "socket", "nth": 2, **rule})
    socket = await client.listen()
    conversation = server.world.open_conversation()

    for text in ("uno", "dos", "tres"):
        server.world.say_as_guest(conversation, text)
    async for _ in socket:
        pass

    assert socket.close_code == code


async def test_frames_can_be_doubled_lost_and_malformed(
    client: Client, server: SimulatorServer
) -> None:
    for nth, kind in enumerate(("duplicate", "lost", "malformed"), start=1):
        server.world.faults.add({"where": "socket", "kind": kind, "nth": nth})
    socket = await client.listen()
    conversation = server.world.open_conversation()

    for text in ("uno", "dos", "tres"):
        server.world.say_as_guest(conversation, text)

    one, again, broken, three = [(await socket.receive(timeout=2)).data for _ in range(4)]
    assert one == again
    assert three.startswith(broken)
    assert "tres" in three


async def test_a_handshake_can_be_refused(client: Client, server: SimulatorServer) -> None:
    server.world.faults.add({"where": "handshake", "kind": "429"})

    with pytest.raises(ClientError):
        await client.listen()

    socket = await client.listen()
    assert not socket.closed


async def test_rules_come_and_go_over_http_and_count(client: Client) -> None:
    rules = {"rules": [{"where": "translate", "kind": "456", "times": 2},
                       {"where": "translate", "kind": "too_few", "nth": 3}]}  # fmt: skip

    await client.sim("POST", "faults", rules)
    statuses = [(await client.translate("Hello")).status for _ in range(2)]
    short = await (await client.translate("Hello")).json()
    counted = await client.sim("GET", "faults")
    await client.sim("DELETE", "faults")

    assert statuses == [456, 456]
    assert short["translations"] == []
    assert [(rule["seen"], rule["fired"]) for rule in counted["rules"]] == [(2, 2), (3, 1)]
    assert (await client.sim("GET", "faults"))["rules"] == []


async def test_other_places_have_faults_too(client: Client, server: SimulatorServer) -> None:
    key = server.world.open_conversation().id
    for where, kind in (("history", "missing"), ("put", "html"), ("token", "429")):
        server.world.faults.add({"where": where, "kind": kind})

    assert (await client.history(key)).status == 404
    assert (await client.history(key)).status == 200
    assert (await client.put(key, "Hola", "ES")).content_type == "text/html"
    url = f"{client.base_url}/oauth/token"
    assert (await client.session.post(url)).headers["Retry-After"] == "1"


def test_probability_is_repeatable() -> None:
    def fired(seed: int) -> list[bool]:
        book = FaultBook()
        book.add({"where": "post", "kind": "503", "probability": 0.3, "seed": seed})
        return [book.pick("post") is not None for _ in range(200)]

    assert fired(1) == fired(1)
    assert fired(1) != fired(2)
    assert 30 < sum(fired(1)) < 90


def test_a_rule_can_be_meant_for_one_conversation_or_text() -> None:
    book = FaultBook()
    book.add({"where": "post", "kind": "503", "conversation": "a", "contains": "room"})

    assert book.pick("post", conversation="b", text="room") is None
    assert book.pick("post", conversation="a", text="table") is None
    assert book.pick("post", conversation="a", text="my room") is not None


@pytest.mark.parametrize(
    "rule",
    [{"where": "moon", "kind": "429"}, {"where": "put", "kind": "lost_echo"}, {},
     {"where": "post", "kind": "429", "nth": 1, "probability": 0.5}],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadRule):
        FaultBook().add(rule)
