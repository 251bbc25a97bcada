"""TRAP (protocol, OAuth): a 429 of the token endpoint is waited out, three tries in all."""

from __future__ import annotations

import pytest
from aiohttp import web

from conversations.genesys.exceptions import TokenUnavailable
from conversations.genesys.oauth import fetch_token
from conversations.net.http import HttpClient
from tests.conversations.genesys.fakes import FakeTime, config_for, in_turn, platform


def busy(**headers: str):
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda: web.Response(status=429, headers=named)


def token():
    return web.json_response({"access_token": "abc-def", "token_type": "bearer", "expires_in": 60})


async def test_a_429_is_waited_out_as_asked_or_five_seconds() -> None:
    time, client = FakeTime(), HttpClient()
    async with platform(in_turn(busy(Retry_After="240"), busy(), token)) as fake:
        got = await fetch_token(client, config_for(fake.url), now=time.now, sleep=time.sleep)
        await client.aclose()

        assert got.access_token == "abc-def"
        assert time.slept == [240, 5]


async def test_three_429_are_enough() -> None:
    time, client = FakeTime(), HttpClient()
    async with platform(in_turn(busy(Retry_After="100000"))) as fake:
        with pytest.raises(TokenUnavailable) as caught:
            await fetch_token(client, config_for(fake.url), now=time.now, sleep=time.sleep)
        await client.aclose()

        assert (len(fake.requests), caught.value.retry_after_s) == (3, 300)
