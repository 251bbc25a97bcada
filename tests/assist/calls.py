"""A gateway that holds calls alone, on the simulator's transcription socket, with real rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from assist.models import Chunk
from assist.models.watch import want
from assist.streams import TranscriptionStreams
from conversations.crossing import Crossing
from conversations.gateway.supervisor import Supervisor
from conversations.models import MessageText, StreamState
from conversations.simulator.server import TRANSCRIPTIONS
from tests.conversations.gateway.gateways import point_at

CALL = "call-quiet-1"  # says only what a test makes it say


def point_calls_at(settings: Any, simulator: Any) -> None:
    point_at(settings, simulator)
    socket = simulator.base_url.replace("http", "ws", 1)
    settings.GENESYS_TRANSCRIPTION_SOCKET_URL = f"{socket}{TRANSCRIPTIONS}"
    settings.KNOWLEDGE_API_URL = ""
    settings.KNOWLEDGE_API_KEY = "a key"


@dataclass
class CallGateway:
    simulator: Any
    supervisors: list[Supervisor] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    database: Crossing[Any] = field(default_factory=lambda: Crossing(list, name="test"))

    def start(self, *, owner: str = "one") -> Supervisor:
        supervisor = Supervisor([TranscriptionStreams()], owner=owner)
        self.supervisors.append(supervisor)
        self.tasks.append(asyncio.create_task(supervisor.run(), name=f"gateway-{owner}"))
        return supervisor

    async def ask(self, question: Callable[[], Any]) -> Any:
        return await self.database.call(question)

    async def until(self, condition: Callable[[], Any], *, within_s: float = 15.0) -> None:
        deadline = time.monotonic() + within_s
        while not await self.database.call(condition):
            assert time.monotonic() < deadline, await self.database.call(situation)
            await asyncio.sleep(0.02)

    async def until_open(self, interaction: str = CALL, *, within_s: float = 15.0) -> None:
        deadline = time.monotonic() + within_s
        while not self.simulator.calls.interactions().get(interaction):
            assert time.monotonic() < deadline, await self.database.call(situation)
            await asyncio.sleep(0.02)

    def say(self, text: str, *, interaction: str = CALL, **how: Any) -> dict[str, Any]:
        return self.simulator.calls.say(interaction, text, **how)

    async def stop(self) -> None:
        for supervisor in self.supervisors:
            supervisor.stop()
        await asyncio.wait(set(self.tasks), timeout=20)

    async def close(self) -> None:
        if self.tasks:
            await self.stop()
        await self.database.close()


@asynccontextmanager
async def calls(settings: Any, simulator: Any, *wanted: str) -> AsyncIterator[CallGateway]:
    point_calls_at(settings, simulator)
    gateway = CallGateway(simulator)
    for name in wanted:
        await gateway.ask(lambda name=name: want(name, now=timezone.now()))
    try:
        yield gateway
    finally:
        await gateway.close()


def texts() -> list[str]:
    """What is stored, in the order of the journal."""
    rows = MessageText.objects.filter(message__chunk__isnull=False)
    return list(
        rows.order_by("message__conversation_id", "message__seq").values_list("text", flat=True)
    )


def count() -> int:
    return Chunk.objects.count()


def situation() -> Any:
    return {
        "streams": list(StreamState.objects.values("key", "state", "reason", "owner", "frames")),
        "chunks": Chunk.objects.count(),
    }
