"""TRAP (protocol, OAuth): every worker that renews the token at once gets 429.

Seen to fail with the condition `free` taken out of `services.tokens.begin_renewal`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from django.db import connection

from conversations.crossing import Crossing
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens
from tests.conversations.genesys.fakes import config_for, platform

WORKERS = 8


@pytest.fixture
def connections_of_all(transactional_db: None) -> None:
    """Each worker is a process with a pool of its own; the one here, shared by all of them, opens
    one connection after the other, on a slow machine for longer than anybody waits."""
    if connection.vendor == "postgresql":
        pool = connection.pool  # type: ignore[attr-defined]
        for opened in [pool.getconn(timeout=60) for _ in range(WORKERS)]:
            pool.putconn(opened)


@pytest.mark.usefixtures("connections_of_all")
@pytest.mark.django_db(transaction=True)
async def test_eight_workers_without_a_token_make_one_request():
    def answer(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "token", "expires_in": 3600})

    crossings: list[Crossing[Any]] = [Crossing(list, name=f"{number}") for number in range(WORKERS)]
    clients = [HttpClient() for _ in crossings]
    try:
        async with platform(answer) as asked:
            workers = [
                DatabaseTokens(config_for(asked.url), http, crossing.call)
                for http, crossing in zip(clients, crossings, strict=True)
            ]

            first = await asyncio.gather(*(worker.current() for worker in workers))
            renewed = await asyncio.gather(*(worker.renewed(first[0]) for worker in workers))

            assert {token.generation for token in first} == {1}
            assert {token.generation for token in renewed} == {2}
            assert len(asked.requests) == 2
    finally:
        await asyncio.gather(*(http.aclose() for http in clients))
        await asyncio.gather(*(crossing.close() for crossing in crossings))
