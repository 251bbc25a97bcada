"""TRAP (protocol §1, injecting): there is no idempotency key, so a blind retry is a duplicate."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from conversations.genesys.exceptions import AmbiguousDelivery
from conversations.net.exceptions import AnswerUnknown
from conversations.net.http import HttpClient
from tests.conversations.genesys.fakes import FakeTokens, in_turn, rest_to
from tests.conversations.net.raw_server import read_request, reset, serving


def answer(status: int, text: str = "") -> Any:
    return lambda: web.Response(status=status, text=text)


@pytest.mark.parametrize(
    "fault",
    [
        lambda: None,
        *(answer(status, "<html>gateway</html>") for status in (500, 502, 503, 504, 408, 425)),
        answer(200, "<html>login</html>"),
        answer(200, '{"id": "m'),
        answer(200, "[]"),
        answer(200, '{"id": 7}'),
    ],
)
async def test_whatever_leaves_it_unknown_is_sent_exactly_once(fault: Any) -> None:
    async with rest_to(in_turn(fault)) as (rest, platform):
        with pytest.raises(AmbiguousDelivery):
            await rest.post_message("c", sender_id="g", sender_type="guest", text="Hi")

        assert len(platform.requests) == 1


async def test_an_unknown_answer_to_the_repeat_after_a_401_is_not_repeated() -> None:
    tokens = FakeTokens()
    async with rest_to(in_turn(answer(401), lambda: None), tokens=tokens) as (rest, platform):
        with pytest.raises(AmbiguousDelivery):
            await rest.post_message("c", sender_id="g", sender_type="guest", text="Hi")

        assert (len(platform.requests), tokens.calls) == (2, 1)


async def test_a_kept_connection_that_breaks_does_not_repeat_the_post_by_itself() -> None:
    """The HTTP library repeats idempotent methods on a dropped kept connection, never a POST."""

    def behave(state: Any) -> Any:
        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            state.requests.append(await read_request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            state.requests.append(await read_request(reader))
            reset(writer)

        return peer

    client = HttpClient()
    async with serving(behave) as server:
        await client.request("POST", server.url, json={})
        with pytest.raises(AnswerUnknown):
            await client.request("POST", server.url, json={})
        await client.aclose()

        assert (len(server.requests), server.connections) == (2, 1)
