"""Delivering, writing attributes, reading history: against a real server that counts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from conversations.genesys.events import Malformed, MessageReceived
from conversations.genesys.exceptions import (
    AmbiguousDelivery,
    CredentialsRefused,
    GenesysError,
    InvalidAnswer,
    NotApplied,
    Permanent,
    ScopeMissing,
    Throttled,
    TokenUnavailable,
    Unavailable,
)
from conversations.genesys.protocols.messages import moment
from conversations.genesys.rest import GenesysRest
from tests.conversations.genesys.fakes import NOW, FakeTime, FakeTokens, in_turn, rest_to


async def deliver(rest: GenesysRest) -> str | None:
    return await rest.post_message("conv/1", sender_id="guest-1", sender_type="guest", text="Hi")


def answer(status: int = 200, text: str = "{}", **headers: str) -> Any:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda: web.Response(status=status, text=text, headers=named)


async def test_a_delivery_is_posted_as_the_guest_and_gives_its_id() -> None:
    async with rest_to(in_turn(answer(201, '{"id": "msg-1"}'))) as (rest, platform):
        assert await deliver(rest) == "msg-1"

        method, path, headers, body = platform.requests[0]
        assert (method, path) == (
            "POST",
            "/api/v2/conversations/messaging/conv%2F1/messages",
        )
        assert headers["Authorization"] == "Bearer token-0-value"
        assert json.loads(body) == {
            "from": {"id": "guest-1", "type": "guest"},
            "to": {"type": "agent"},
            "text": "Hi",
            "type": "text",
        }


async def test_an_agents_reply_is_addressed_to_the_guest() -> None:
    async with rest_to(in_turn(answer())) as (rest, platform):
        await rest.post_message("c", sender_id="agent-1", sender_type="agent", text="Hola")

        body = json.loads(platform.requests[0][3])
        assert (body["from"]["type"], body["to"]) == ("agent", {"type": "guest"})


@pytest.mark.parametrize(
    "text", ["", "{}", '{"id": null}', '{"id": ""}', f'{{"id": "{"x" * 201}"}}']
)
async def test_a_success_without_an_id_is_a_success(text: str) -> None:
    async with rest_to(in_turn(answer(202, text))) as (rest, _):
        assert await deliver(rest) is None


async def test_a_429_waits_as_asked_and_is_sent_again() -> None:
    time = FakeTime()
    answers = in_turn(answer(429, Retry_After="7"), answer(429), answer(200, '{"id": "m"}'))
    async with rest_to(answers, time=time) as (rest, platform):
        assert await deliver(rest) == "m"

        assert len(platform.requests) == 3
        assert time.slept == [7, 2]


async def test_after_three_429_the_work_goes_back_with_the_wait() -> None:
    async with rest_to(in_turn(answer(429, Retry_After="1000"))) as (rest, platform):
        with pytest.raises(Throttled) as caught:
            await deliver(rest)

        assert caught.value.retry_after_s == 60
        assert len(platform.requests) == 3


async def test_one_429_holds_back_every_other_call() -> None:
    time = FakeTime()
    async with rest_to(in_turn(answer(429, Retry_After="9")), time=time) as (rest, _):
        with pytest.raises(Throttled):
            await deliver(rest)
        before = time.seconds

        with pytest.raises(Throttled):
            await rest.put_attributes("c", {})

        assert time.slept[2] == 9
        assert time.seconds > before


async def test_whoever_has_had_a_turn_has_one_try_and_waits_for_nothing() -> None:
    time = FakeTime()

    async def urgent(rest: GenesysRest, left_s: float) -> None:
        await rest.post_message(
            "c", sender_id="g", sender_type="guest", text="Hi", leaves_within_s=lambda: left_s
        )

    async with rest_to(in_turn(answer(429, Retry_After="9"), answer()), time=time) as (rest, fake):
        with pytest.raises(NotApplied):
            await urgent(rest, 0)  # too late
        assert fake.requests == []

        with pytest.raises(Throttled):
            await urgent(rest, 1)
        with pytest.raises(Throttled):  # of the same 429: nobody is asked
            await urgent(rest, 1)
        assert len(fake.requests) == 1
        assert time.slept == []
        assert not await rest.turn_at_once()

        await rest.turn()
        await urgent(rest, 1)
        assert time.slept == [9]
        assert len(fake.requests) == 2
        assert await rest.turn_at_once()


async def test_there_are_so_many_turns_and_whoever_gives_up_waiting_keeps_none() -> None:
    async with rest_to(in_turn(answer()), turns=1, others=1) as (rest, _):
        assert await rest.turn_at_once()
        assert not await rest.turn_at_once()
        for waiting in (rest.turn(), rest.turn()):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 0.01)
        assert await rest.put_attributes("c", {}) == 200  # other calls wait for none

        rest.end_turn()
        await rest.turn()
        rest.end_turn()
        assert await rest.turn_at_once()


async def test_a_renewed_token_gives_no_more_time() -> None:
    left = iter([1.0, -0.1])
    async with rest_to(in_turn(answer(401))) as (rest, fake):
        with pytest.raises(NotApplied):
            await rest.put_attributes("c", {}, leaves_within_s=lambda: next(left))

        assert len(fake.requests) == 1


async def test_what_was_certainly_not_sent_is_tried_three_times() -> None:
    time = FakeTime()
    async with rest_to(in_turn(answer()), time=time) as (rest, _):
        pass  # the server is gone: refused

    with pytest.raises(NotApplied) as caught:
        await deliver(rest)

    assert type(caught.value) is NotApplied
    assert time.slept == [2, 4]


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422, 302])
async def test_another_4xx_is_permanent_and_keeps_the_body_as_data(status: int) -> None:
    body = "guest's words " * 500
    async with rest_to(in_turn(answer(status, body))) as (rest, platform):
        with pytest.raises(Permanent) as caught:
            await deliver(rest)

        assert caught.value.status == status
        assert caught.value.body == body[:2000]
        assert "words" not in str(caught.value)
        assert len(platform.requests) == 1


async def test_without_a_token_nothing_is_sent() -> None:
    tokens = FakeTokens(failing=TokenUnavailable("429", retry_after_s=5))
    async with rest_to(in_turn(answer()), tokens=tokens) as (rest, platform):
        with pytest.raises(TokenUnavailable):
            await deliver(rest)

        assert platform.requests == []


async def test_attributes_are_put_and_repeated_until_they_are_there() -> None:
    answers = in_turn(answer(503, "<html>"), lambda: None, answer(200, "<html>"))
    async with rest_to(answers) as (rest, platform):
        assert await rest.put_attributes("c-1", {"originalLanguage": "ES"}) == 200

        method, path, _, body = platform.requests[-1]
        assert (method, path) == ("PUT", "/api/v2/conversations/messaging/c-1")
        assert json.loads(body) == {"customAttributes": {"originalLanguage": "ES"}}


async def test_attributes_that_stay_unanswered_go_back_to_their_queue() -> None:
    async with rest_to(in_turn(answer(500))) as (rest, platform):
        with pytest.raises(Unavailable):
            await rest.put_attributes("c", {})

        assert len(platform.requests) == 3


async def test_active_conversations_are_asked_since_a_moment() -> None:
    listed = {
        "conversations": [
            {"conversationId": "a", "lastMessageAt": "2024-06-15T10:00:00Z"},
            {"conversationId": "b", "lastMessageAt": "yesterday"},
            {"conversationId": 5},
            "nonsense",
        ]
    }
    async with rest_to(in_turn(answer(200, json.dumps(listed)))) as (rest, platform):
        found = await rest.active_conversations(NOW)

        assert found is not None
        assert [(active.conversation_id, active.last_message_at is None) for active in found] == [
            ("a", False),
            ("b", True),
        ]
        assert platform.requests[0][1].endswith("messaging?activeSince=2024-06-15T10:30:00.000Z")


def message(identifier: str, second: int, **changes: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "conversationId": "c",
        "id": identifier,
        "from": {"id": "g", "type": "guest"},
        "text": "Hola",
        "timestamp": f"2024-06-15T10:30:{second:02}Z",
    } | changes


async def test_a_history_is_ordered_by_time_then_id_and_marked_as_backfilled() -> None:
    history = {
        "messages": [
            message("m3", 2),
            message("m2", 1),
            message("m1", 1),
            {"type": "typing", "conversationId": "c"} | {"from": {"id": "g", "type": "guest"}},
            message("bad", 0, text=7),
            7,
        ]
    }
    async with rest_to(in_turn(answer(200, json.dumps(history)))) as (rest, _):
        found = await rest.conversation_messages("c")

    assert found is not None
    messages = [event for event in found if isinstance(event, MessageReceived)]
    assert [event.external_id for event in messages] == ["m1", "m2", "m3"]
    assert all(event.backfilled for event in messages)
    assert all(isinstance(event, Malformed) for event in found[3:])


async def test_what_was_said_before_a_moment_is_left_out_and_not_read() -> None:
    history = {
        "messages": [
            message("m1", 1),
            message("bad", 1, text=7),
            message("m2", 2),
            message("m3", 3),
            message("no time", 4) | {"timestamp": "yesterday"},
        ]
    }
    since = moment(message("m2", 2)["timestamp"])
    async with rest_to(in_turn(answer(200, json.dumps(history)))) as (rest, _):
        found = await rest.conversation_messages("c", since=since)

    assert [getattr(event, "external_id", "malformed") for event in found or ()] == [
        "m2",
        "m3",
        "malformed",
    ]


@pytest.mark.parametrize("status", [404, 405])
async def test_a_platform_without_a_history_says_none(status: int) -> None:
    async with rest_to(in_turn(answer(status))) as (rest, _):
        assert await rest.active_conversations(NOW) is None
        assert await rest.conversation_messages("c") is None


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", '{"messages": 1}', '{"messages": [', ""])
async def test_a_history_that_is_not_the_documented_json_keeps_its_body(text: str) -> None:
    async with rest_to(in_turn(answer(200, text))) as (rest, _):
        with pytest.raises(InvalidAnswer) as caught:
            await rest.conversation_messages("c")

        assert caught.value.body == text


async def test_a_refusal_of_a_renewed_token_ends_the_call() -> None:
    async with rest_to(in_turn(answer(401))) as (rest, platform):
        with pytest.raises(CredentialsRefused):
            await rest.put_attributes("c", {})

        assert len(platform.requests) == 2


async def test_no_error_says_a_token_or_a_message() -> None:
    for status in (400, 401, 403, 429, 500):
        body = "token-0-value Bearer CANARY-9 Hi"
        async with rest_to(in_turn(answer(status, body))) as (rest, _):
            with pytest.raises(GenesysError) as caught:
                await deliver(rest)

        assert "token-0" not in str(caught.value)
        assert "CANARY" not in str(caught.value) + getattr(caught.value, "body", "")


def test_a_missing_scope_is_ambiguous_about_nothing() -> None:
    assert not issubclass(ScopeMissing, AmbiguousDelivery | NotApplied)
