"""Fakes at the seams: a token source, a clock, and a platform of real sockets for REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from conversations.genesys.config import GenesysConfig
from conversations.genesys.oauth import Token
from conversations.genesys.rest import GenesysRest
from conversations.net.http import HttpClient

NOW = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
Answering = Callable[[web.Request], Any]


class FakeTokens:
    """Each renewal is one generation; `calls` counts what would have gone to the platform."""

    def __init__(self, *, failing: Exception | None = None) -> None:
        self.token = Token("token-0-value", NOW + timedelta(hours=1), 0)
        self.calls = 0
        self.failing = failing

    async def current(self) -> Token:
        if self.failing:
            raise self.failing
        return self.token

    async def renewed(self, refused: Token) -> Token:
        if self.failing:
            raise self.failing
        if refused.generation == self.token.generation:
            self.calls += 1
            generation = self.token.generation + 1
            self.token = Token(f"token-{generation}-value", NOW + timedelta(hours=1), generation)
        return self.token


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Platform:
    """Answers as the test says and remembers what it was asked."""

    answering: Answering
    url: str = ""
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        answer = self.answering(request)
        if answer is None:  # applied, perhaps, and gone
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        assert isinstance(answer, web.StreamResponse)
        return answer


@asynccontextmanager
async def platform(answering: Answering) -> AsyncIterator[Platform]:
    fake = Platform(answering)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def config_for(url: str, *, style: Any = "basic") -> GenesysConfig:
    return GenesysConfig(
        client_id="client-1",
        client_secret="CANARY-secret",
        oauth_url=f"{url}/oauth/token",
        oauth_style=style,
        scopes="webchat:send conversation:write",
        api_url=url,
        messaging_socket_url="wss://127.0.0.1/none",
    )


@asynccontextmanager
async def rest_to(
    answering: Answering,
    *,
    time: FakeTime | None = None,
    tokens: FakeTokens | None = None,
    **limits: int,
) -> AsyncIterator[tuple[GenesysRest, Platform]]:
    time = time or FakeTime()
    client = HttpClient(connect_timeout_s=5, total_timeout_s=30)
    async with platform(answering) as fake:
        yield (
            GenesysRest(
                client,
                config_for(fake.url),
                tokens or FakeTokens(),
                now=time.now,
                sleep=time.sleep,
                random=lambda: 0.0,
                monotonic=time.monotonic,
                **limits,
            ),
            fake,
        )
        await client.aclose()


def in_turn(*answers: Callable[[], Any]) -> Answering:
    """Each request gets the next answer; the last one stays."""
    waiting = list(answers)

    def answer(_request: web.Request) -> Any:
        return (waiting.pop(0) if len(waiting) > 1 else waiting[0])()

    return answer
