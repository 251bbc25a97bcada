"""A gateway for tests: a real supervisor on the simulator's org socket, real rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from conversations.crossing import Crossing
from conversations.gateway.supervisor import Supervisor
from conversations.models import StreamState
from conversations.simulator.tokens import SCOPES

TRANSCRIPT_SOCKET = "/api/v2/messaging/conversations/{conversation_id}/transcript"
TYPING_SOCKET = "/v1/conversations/{conversation_id}/websocket"
MESSAGING_SOCKET = "/api/v2/conversations/messaging/websocket"


def point_at(settings: Any, simulator: Any) -> None:
    settings.GENESYS_API_URL = simulator.base_url
    settings.GENESYS_OAUTH_URL = f"{simulator.base_url}/oauth/token"
    settings.GENESYS_SCOPES = SCOPES
    socket = simulator.base_url.replace("http", "ws", 1)
    settings.GENESYS_MESSAGING_SOCKET_URL = f"{socket}{MESSAGING_SOCKET}"
    settings.GENESYS_TRANSCRIPT_SOCKET_URL = f"{socket}{TRANSCRIPT_SOCKET}"
    settings.GENESYS_TYPING_SOCKET_URL = f"{socket}{TYPING_SOCKET}"


@dataclass
class Gateway:
    supervisor: Supervisor
    task: asyncio.Task[None]
    database: Crossing[Any]
    simulator: Any

    async def ask(self, question: Callable[[], Any]) -> Any:
        return await self.database.call(question)

    async def until(self, condition: Callable[[], Any], *, within_s: float = 30.0) -> None:
        deadline = time.monotonic() + within_s
        while not await self.database.call(condition):
            assert time.monotonic() < deadline, await self.database.call(_situation)
            await asyncio.sleep(0.02)

    async def until_connected(self, *, within_s: float = 30.0) -> None:
        async with asyncio.timeout(within_s):
            await self.simulator.world.socket_opened.wait()

    async def until_gap_closed(self, *, times: int = 1) -> None:
        """So many reads of what was active have been answered."""
        async with asyncio.timeout(30):
            while len(self.entries("active")) < times:
                await asyncio.sleep(0.01)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        return list(self.simulator.world.ledger.entries(kinds=frozenset({kind})))

    def drop_sockets(self, code: int = 1006) -> None:
        self.simulator.world.socket_opened.clear()
        self.simulator.sockets.close_all(code)


def org_stream() -> StreamState:
    return StreamState.objects.get(kind=StreamState.Kind.MESSAGING)


def _situation() -> Any:
    return list(StreamState.objects.values("state", "reason", "owner", "frames"))


@asynccontextmanager
async def gateway(settings: Any, simulator: Any) -> AsyncIterator[Gateway]:
    point_at(settings, simulator)
    supervisor = Supervisor()
    task = asyncio.create_task(supervisor.run(), name="gateway")
    database: Crossing[Any] = Crossing(list, name="test")
    try:
        yield Gateway(supervisor, task, database, simulator)
    finally:
        supervisor.stop()
        await asyncio.wait({task}, timeout=20)
        await database.close()
