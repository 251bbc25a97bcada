"""Client credentials to a token: both styles, every refusal, nothing secret in a text."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from conversations.genesys.exceptions import (
    CredentialsRefused,
    GenesysError,
    InvalidAnswer,
    ScopeMissing,
    TokenUnavailable,
)
from conversations.genesys.oauth import Token, fetch_token
from conversations.net.http import HttpClient
from tests.conversations.genesys.fakes import NOW, FakeTime, config_for, in_turn, platform


def answer(status: int, text: str) -> Any:
    return lambda: web.Response(status=status, text=text)


GOOD = answer(200, '{"access_token": "abc-def", "token_type": "bearer", "expires_in": 3600}')


async def fetched(*answers: Any, style: str = "basic") -> tuple[Any, list[Any], list[float]]:
    """The token or the error, what was asked, and the waits."""
    time, client = FakeTime(), HttpClient()
    async with platform(in_turn(*answers)) as fake:
        config = config_for(fake.url, style=style)
        try:
            got: Any = await fetch_token(
                client, config, now=time.now, sleep=time.sleep, random=lambda: 0.0, generation=4
            )
        except GenesysError as error:
            got = error
        await client.aclose()
    return got, fake.requests, time.slept


async def test_basic_style_puts_the_credentials_into_the_header() -> None:
    got, requests, _ = await fetched(GOOD)

    _, path, headers, body = requests[0]
    assert got == Token("abc-def", NOW + timedelta(hours=1), 4)
    assert path == "/oauth/token"
    assert (
        headers["Authorization"] == "Basic " + base64.b64encode(b"client-1:CANARY-secret").decode()
    )
    assert body == "grant_type=client_credentials&scope=webchat%3Asend+conversation%3Awrite"


async def test_form_style_puts_them_into_the_form() -> None:
    _, requests, _ = await fetched(GOOD, style="form")

    assert "Authorization" not in requests[0][2]
    assert requests[0][3].endswith("&client_id=client-1&client_secret=CANARY-secret")


@pytest.mark.parametrize(
    ("status", "text"), [(401, "<html>"), (400, '{"error": "invalid_client"}')]
)
async def test_wrong_credentials_are_said_plainly_and_never_tried_again(
    status: int, text: str
) -> None:
    got, requests, _ = await fetched(answer(status, text))

    assert isinstance(got, CredentialsRefused)
    assert "GENESYS_CLIENT_SECRET" in str(got)
    assert len(requests) == 1


async def test_a_403_names_the_scopes() -> None:
    got, requests, _ = await fetched(answer(403, "{}"))

    assert isinstance(got, ScopeMissing)
    assert "webchat:send or conversation:write" in str(got)
    assert len(requests) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 413])
async def test_any_other_answer_is_no_token_for_now_and_masked(status: int) -> None:
    got, requests, waits = await fetched(answer(status, "you sent client_secret=CANARY-secret"))

    assert isinstance(got, TokenUnavailable)
    assert (str(got), len(requests), waits) == (f"no token: status {status}", 3, [2, 4])
    assert got.body.startswith("you sent")
    assert "CANARY" not in got.body


async def test_a_silent_or_broken_endpoint_is_tried_three_times() -> None:
    got, requests, waits = await fetched(answer(503, ""), lambda: None, answer(500, ""))

    assert isinstance(got, TokenUnavailable)
    assert (len(requests), waits) == (3, [2, 4])


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "[]",
        "{}",
        '{"access_token": "", "expires_in": 1}',
        '{"access_token": "a b", "expires_in": 1}',
        '{"access_token": "CANARY\\r\\nx", "expires_in": 1}',
        '{"access_token": "CANARY", "expires_in": 0}',
        '{"access_token": "CANARY", "expires_in": "soon"}',
        '{"access_token": "CANARY"}',
    ],
)
async def test_an_answer_without_a_usable_token_is_invalid(text: str) -> None:
    got, _, _ = await fetched(answer(200, text))

    assert isinstance(got, InvalidAnswer)
    assert "CANARY" not in f"{got} {got!r}"


async def test_a_lifetime_without_end_is_cut() -> None:
    got, _, _ = await fetched(answer(200, '{"access_token": "abc-def", "expires_in": 1e300}'))

    assert got.expires_at == NOW + timedelta(days=30)


def test_neither_token_nor_secret_is_shown() -> None:
    shown = repr(Token("CANARY", NOW)) + repr(config_for("http://x"))

    assert "CANARY" not in shown
