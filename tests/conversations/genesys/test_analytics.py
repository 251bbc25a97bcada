"""Asking the analytics: one call, exactly as documented; what comes back is checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from conversations.genesys.analytics import InteractionDetails, details_of
from conversations.genesys.exceptions import (
    CallMissing,
    InvalidAnswer,
    Permanent,
    ScopeMissing,
    Throttled,
    Unavailable,
)
from conversations.genesys.rest import GenesysRest
from conversations.net.http import Answer
from tests.conversations.genesys.fakes import NOW, in_turn, rest_to

ENTITY = {
    "conversationId": "conv-1",
    "startTime": "2024-06-15T10:30:00.000Z",
    "endTime": "2024-06-15T12:40:00.500+02:00",
    "channelType": "messaging",
}


def answer(status: int = 200, text: str = '{"entities": []}', **headers: str) -> Any:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda: web.Response(status=status, text=text, headers=named)


async def ask(rest: GenesysRest) -> InteractionDetails | None:
    return await rest.interaction_details("conv-1", since=NOW - timedelta(hours=24), until=NOW)


async def test_the_question_is_the_documented_one_and_the_entity_is_read() -> None:
    body = json.dumps({"entities": [ENTITY | {"conversationId": "other"}, ENTITY]})
    async with rest_to(in_turn(answer(200, body))) as (rest, platform):
        found = await ask(rest)

        method, path, _, sent = platform.requests[0]
    assert (method, path) == ("POST", "/api/v2/analytics/interactions/details/query")
    assert json.loads(sent) == {
        "dateFrom": "2024-06-14T10:30:00.000Z",
        "dateTo": "2024-06-15T10:30:00.000Z",
        "entity": {"type": "conversation", "id": "conv-1"},
        "select": ["conversationId", "startTime", "endTime", "channelType"],
    }
    assert found == InteractionDetails(
        started_at=datetime(2024, 6, 15, 10, 30, tzinfo=UTC),
        ended_at=datetime(2024, 6, 15, 10, 40, 0, 500_000, tzinfo=UTC),
        channel_type="messaging",
    )


async def test_no_entity_or_that_of_another_conversation_is_none() -> None:
    other = json.dumps({"entities": [ENTITY | {"conversationId": "other"}]})
    async with rest_to(in_turn(answer(), answer(200, other))) as (rest, _):
        assert await ask(rest) is None
        assert await ask(rest) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Permanent), (403, ScopeMissing), (404, CallMissing), (500, Unavailable)],
)
async def test_what_fails_is_asked_once_and_no_more(status: int, error: type[Exception]) -> None:
    async with rest_to(in_turn(answer(status, "<html>"))) as (rest, platform):
        with pytest.raises(error) as caught:
            await ask(rest)

        assert len(platform.requests) == 1
    if error is ScopeMissing:
        assert "analytics:read" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "wait_s"), [({"Retry_After": "900"}, 900), ({"Retry_After": "7"}, 7), ({}, 2)]
)
async def test_a_429_is_the_callers_to_keep_however_long_it_is(header: Any, wait_s: int) -> None:
    async with rest_to(in_turn(answer(429, **header))) as (rest, platform):
        with pytest.raises(Throttled) as caught:
            await ask(rest)

        assert caught.value.retry_after_s == wait_s
        assert len(platform.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"",
        b'{"entities": 3}',
        json.dumps({"entities": [ENTITY | {"startTime": None}]}).encode(),
        json.dumps({"entities": [ENTITY | {"endTime": "later"}]}).encode(),
        json.dumps({"entities": [ENTITY | {"channelType": "x" * 65}]}).encode(),
    ],
)
def test_what_is_not_the_documented_answer_is_an_error_of_its_own(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        details_of(Answer(200, {}, body), "conv-1")


def test_an_interaction_without_an_end_still_runs() -> None:
    entity = {key: value for key, value in ENTITY.items() if key != "endTime"}
    for one in (entity, entity | {"endTime": None}):
        found = details_of(Answer(200, {}, json.dumps({"entities": [one]}).encode()), "conv-1")

        assert found is not None
        assert found.ended_at is None
