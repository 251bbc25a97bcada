"""A real WebSocket server on a free port, and a session to it with scaled times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from conversations.genesys.connection import Timing
from conversations.genesys.events import Event
from conversations.genesys.oauth import bearer
from conversations.genesys.protocols.messaging import MessagingProtocol, socket_url
from conversations.genesys.session import Session, StateChange
from tests.conversations.genesys.fakes import FakeTokens

Handler = Callable[[ServerConnection], Awaitable[None]]
QUICK = Timing(open_s=20, close_s=1, ping_interval_s=0.1, ping_timeout_s=20, keep_alive_s=0.05)
TYPING = '{"type":"typing","conversationId":"c","from":{"id":"g","type":"guest"},"state":"active"}'


@asynccontextmanager
async def socket_server(handler: Handler, **options: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/socket"


@dataclass
class Watched:
    """A session whose waits are only noted, and what it told."""

    url: str
    max_waits: int = 1_000
    tokens: FakeTokens = field(default_factory=FakeTokens)
    timing: Timing = QUICK
    events: list[Event] = field(default_factory=list)
    states: list[StateChange] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    opens: int = 0
    on_event: Callable[[Event], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        self.opened = asyncio.Event()
        self.session = Session(
            name="org",
            protocol=MessagingProtocol(),
            url=lambda token: socket_url(self.url, token.access_token),
            headers=bearer,
            tokens=self.tokens,
            on_event=self.on_event or self._event,
            on_state=self.states.append,
            on_open=self._open,
            random=lambda: 0.0,
            sleep=self._sleep,
            timing=self.timing,
        )

    async def run(self, *, limit_s: float = 60.0) -> None:
        async with asyncio.timeout(limit_s):
            await self.session.run()

    async def _event(self, event: Event) -> None:
        self.events.append(event)

    async def _open(self) -> None:
        self.opens += 1
        self.opened.set()

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)
        if len(self.waits) >= self.max_waits:
            self.session.stop()
            await asyncio.sleep(60)
