"""One token serves the deployment: kept encrypted, renewed once, refused for good (protocol OAuth).

Each `DatabaseTokens` stands for a process: its own client, its own cache, the common row.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from django.utils import timezone

from conversations.crossing import Crossing
from conversations.genesys.config import GenesysConfig
from conversations.genesys.exceptions import CredentialsRefused, TokenUnavailable
from conversations.models import AccessToken
from conversations.net.http import HttpClient
from conversations.services import tokens as service
from conversations.tokens import DatabaseTokens
from tests.conversations.genesys.fakes import Platform, config_for, platform
from tests.dead_process import dead_process

pytestmark = pytest.mark.django_db(transaction=True)


class Endpoint:
    """Gives out token-1, token-2, … or the status that it was told."""

    def __init__(self, *, expires_in: int = 3600, status: int = 200) -> None:
        self.expires_in = expires_in
        self.status = status
        self.given = 0

    def __call__(self, _request: web.Request) -> web.StreamResponse:
        if self.status != 200:
            return web.json_response({"error": "no"}, status=self.status)
        self.given += 1
        return web.json_response(
            {"access_token": f"CANARY-token-{self.given}", "expires_in": self.expires_in}
        )


@asynccontextmanager
async def deployment(
    endpoint: Endpoint, *, processes: int = 1
) -> AsyncIterator[tuple[list[DatabaseTokens], Platform, Crossing[Any]]]:
    crossing: Crossing[Any] = Crossing(list, name="test")
    async with platform(endpoint) as fake:
        clients = [HttpClient() for _ in range(processes)]
        config = config_for(fake.url)
        try:
            yield [DatabaseTokens(config, http, crossing.call) for http in clients], fake, crossing
        finally:
            await asyncio.gather(*(http.aclose() for http in clients))
            await crossing.close()


@asynccontextmanager
async def another_process(
    config: GenesysConfig, crossing: Crossing[Any]
) -> AsyncIterator[DatabaseTokens]:
    http = HttpClient()
    try:
        yield DatabaseTokens(config, http, crossing.call)
    finally:
        await http.aclose()


async def test_a_token_is_asked_for_once_and_kept():
    async with deployment(Endpoint()) as ((tokens,), asked, _):
        first, again = await tokens.current(), await tokens.current()

    assert first is again
    assert len(asked.requests) == 1


async def test_another_process_finds_it_in_the_row():
    async with deployment(Endpoint(), processes=2) as ((one, other), asked, _):
        assert (await one.current()).access_token == (await other.current()).access_token
        assert len(asked.requests) == 1


async def test_the_row_holds_the_token_encrypted_only():
    async with deployment(Endpoint()) as ((tokens,), _, crossing):
        await tokens.current()
        row = await crossing.call(AccessToken.objects.get)

    assert b"CANARY" not in bytes(row.secret)
    assert "CANARY" not in repr(row.__dict__)
    assert len(row.fingerprint) == 64


async def test_a_401_of_two_processes_at_once_is_one_renewal():
    async with deployment(Endpoint(), processes=2) as ((one, other), asked, _):
        refused = await one.current()
        await other.current()

        renewed = await asyncio.gather(one.renewed(refused), other.renewed(refused))

        assert [token.generation for token in renewed] == [2, 2]
        assert len(asked.requests) == 2


async def test_a_401_for_an_old_token_takes_the_newer_one_that_is_there():
    async with deployment(Endpoint(), processes=2) as ((one, other), asked, _):
        old = await one.current()
        new = await other.renewed(old)

        assert (await one.renewed(old)).access_token == new.access_token
        assert len(asked.requests) == 2


async def test_a_token_near_its_end_is_renewed_ahead_and_a_fresh_one_is_not():
    endpoint = Endpoint(expires_in=59)
    async with deployment(endpoint) as ((tokens,), asked, _):
        await tokens.current()
        endpoint.expires_in = 3600

        await tokens.renew_ahead()
        await tokens.renew_ahead()

        assert len(asked.requests) == 2
        assert (await tokens.current()).access_token == "CANARY-token-2"


async def test_an_expired_token_is_not_sent_any_more():
    async with deployment(Endpoint(expires_in=1)) as ((tokens,), asked, _):
        first = await tokens.current()
        second = await tokens.current()

    assert first.access_token != second.access_token
    assert len(asked.requests) == 2


async def test_refused_credentials_are_remembered_and_not_asked_again():
    async with deployment(Endpoint(status=401), processes=2) as ((one, other), asked, _):
        for tokens in (one, one, other):
            with pytest.raises(CredentialsRefused):
                await tokens.current()

        assert len(asked.requests) == 1


async def test_a_forgotten_refusal_is_one_request_of_all_processes_and_then_remembered_again():
    async with deployment(Endpoint(status=401), processes=3) as (processes, asked, crossing):
        with pytest.raises(CredentialsRefused):
            await processes[0].current()

        for count in (2, 3):
            assert await crossing.call(forget)
            for _ in range(2):
                found = await asyncio.gather(
                    *(tokens.current() for tokens in processes), return_exceptions=True
                )
                assert {type(one) for one in found} == {CredentialsRefused}
            assert len(asked.requests) == count


async def test_after_a_forgotten_refusal_a_mended_platform_gives_a_token():
    endpoint = Endpoint(status=401)
    async with deployment(endpoint) as ((tokens,), _, crossing):
        with pytest.raises(CredentialsRefused):
            await tokens.current()
        endpoint.status = 200
        with pytest.raises(CredentialsRefused):
            await tokens.current()

        await crossing.call(forget)

        assert (await tokens.current()).access_token == "CANARY-token-1"
        assert not await crossing.call(forget)


def forget() -> bool:
    return service.forget_refusal(AccessToken.objects.get().pk)


async def test_new_credentials_are_asked_although_the_old_ones_were_refused():
    endpoint = Endpoint(status=401)
    async with deployment(endpoint) as ((tokens,), asked, crossing):
        with pytest.raises(CredentialsRefused):
            await tokens.current()
        endpoint.status = 200

        async with another_process(config_for(asked.url, style="form"), crossing) as corrected:
            assert (await corrected.current()).access_token == "CANARY-token-1"


async def test_a_failed_renewal_lets_the_next_one_try_at_once():
    endpoint = Endpoint(status=403)
    async with deployment(endpoint) as ((tokens,), _, crossing):
        with pytest.raises(Exception, match="403"):
            await tokens.current()
        endpoint.status = 200

        assert (await tokens.current()).access_token == "CANARY-token-1"
        row = await crossing.call(AccessToken.objects.get)
        assert (row.renewing_owner, row.renewing_until) == ("", None)


async def test_whoever_died_while_renewing_holds_the_others_up_for_his_lease_only():
    async with deployment(Endpoint()) as ((tokens,), asked, crossing):

        def leave_behind(until: timedelta) -> None:
            AccessToken.objects.update_or_create(
                fingerprint=service.credentials_of(config_for(asked.url)),
                defaults={"renewing_owner": "dead", "renewing_until": timezone.now() + until},
            )

        await crossing.call(leave_behind, timedelta(seconds=0.3))

        assert (await tokens.current()).access_token == "CANARY-token-1"


async def test_nobody_waits_for_whoever_is_certainly_dead():
    async with deployment(Endpoint()) as ((tokens,), asked, crossing):
        await crossing.call(
            lambda: AccessToken.objects.create(
                fingerprint=service.credentials_of(config_for(asked.url)),
                renewing_owner=dead_process(),
                renewing_until=timezone.now() + timedelta(minutes=5),
            )
        )

        assert (await tokens.current()).access_token == "CANARY-token-1"


async def test_waiting_for_another_process_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversations.tokens._WAIT_FOR_OTHERS_S", 0.2)
    async with deployment(Endpoint()) as ((tokens,), asked, crossing):
        await crossing.call(
            lambda: AccessToken.objects.create(
                fingerprint=service.credentials_of(config_for(asked.url)),
                renewing_owner="slow",
                renewing_until=timezone.now() + timedelta(seconds=30),
            )
        )

        with pytest.raises(TokenUnavailable):
            await tokens.current()

        assert asked.requests == []


async def test_another_field_key_cannot_read_the_row_and_asks_anew(settings):
    async with deployment(Endpoint()) as ((tokens,), asked, crossing):
        await tokens.current()
        settings.FIELD_KEY = "another-key-of-more-than-32-characters"

        async with another_process(config_for(asked.url), crossing) as moved:
            assert (await moved.current()).access_token == "CANARY-token-2"


async def test_whoever_is_cancelled_while_renewing_does_not_hold_the_renewal():
    """The next in need waits for an answer of the endpoint, not for a renewal to time out."""
    async with deployment(Endpoint()) as (_, asked, crossing):
        begun = asyncio.Event()

        async def call(function: Any, *values: Any) -> Any:
            result = await crossing.call(function, *values)
            if function.__name__ == "_begin":
                begun.set()
                await asyncio.sleep(0.05)  # the claim stands, its answer has not come yet
            return result

        http = HttpClient()
        config = config_for(asked.url)
        renewing = asyncio.create_task(DatabaseTokens(config, http, call).current())
        await begun.wait()
        renewing.cancel()

        async with (
            another_process(config, crossing) as other,
            asyncio.timeout(8),
        ):  # a begun one is kept for 10
            token = await other.current()
        await http.aclose()

    assert token.access_token == "CANARY-token-1"
