"""TRAP (protocol, OAuth): a 401 renews the token once and repeats the call once, never loops."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from conversations.genesys.exceptions import CredentialsRefused
from tests.conversations.genesys.fakes import FakeTokens, rest_to


def only(*accepted: str):
    def answer(request: web.Request) -> web.Response:
        known = request.headers["Authorization"] in {f"Bearer {token}" for token in accepted}
        return web.json_response({"id": "m"}, status=200 if known else 401)

    return answer


async def test_an_expired_token_is_renewed_and_the_call_made_again() -> None:
    tokens = FakeTokens()
    async with rest_to(only("token-1-value"), tokens=tokens) as (rest, platform):
        delivered = await rest.post_message("c", sender_id="g", sender_type="guest", text="Hi")

        assert delivered == "m"
        assert (len(platform.requests), tokens.calls) == (2, 1)


async def test_a_second_401_is_the_end_of_it() -> None:
    tokens = FakeTokens()
    async with rest_to(only(), tokens=tokens) as (rest, platform):
        with pytest.raises(CredentialsRefused):
            await rest.post_message("c", sender_id="g", sender_type="guest", text="Hi")

        assert (len(platform.requests), tokens.calls) == (2, 1)


async def test_fifty_calls_that_meet_an_expired_token_renew_it_once() -> None:
    tokens = FakeTokens()
    async with rest_to(only("token-1-value"), tokens=tokens) as (rest, _):
        statuses = await asyncio.gather(*(rest.put_attributes(f"c{n}", {}) for n in range(50)))

    assert set(statuses) == {200}
    assert tokens.calls == 1
