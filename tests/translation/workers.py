"""A worker for tests: real rows, a real drain, the simulator; only the provider may be scripted."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from conversations.crossing import Crossing
from conversations.genesys.config import GenesysConfig
from conversations.genesys.exceptions import GenesysError
from conversations.genesys.protocols.messages import event_of
from conversations.genesys.rest import GenesysRest
from conversations.models import Conversation, Delivery
from conversations.net.http import HttpClient
from conversations.services.recording import record_events
from conversations.services.unit import Change
from conversations.services.verification import verify_journal
from conversations.simulator.tokens import SCOPES
from conversations.tokens import DatabaseTokens
from tests.servers import TEST_ENVIRONMENT
from tests.translation.fakes import FakeProvider
from translation.batching import Batcher, BatchResult
from translation.drain import Drain, commit_changes
from translation.lane_tools import LaneTools


class Words:
    """Translates "x" to "EN x" after a while, and a reply to "es x"; a text of `script` gets its
    own error or language."""

    def __init__(self, *, random_s: float = 0.0, script: Mapping[str, Any] | None = None) -> None:
        self._random = random.Random(7)
        self._random_s = random_s
        self.script: dict[str, Any] = dict(script or {})
        self.asked: list[str] = []

    async def translate(
        self, text: str, *, source: str | None = None, target: str | None = None
    ) -> BatchResult:
        self.asked.append(text)
        await asyncio.sleep(self._random.random() * self._random_s)
        found = self.script.get(text)
        if isinstance(found, Exception):
            raise found
        if found is not None:
            return BatchResult(text, found, "words", 1)
        if target is not None:
            return BatchResult(f"{target} {text}", source or "", "words", 1)
        return BatchResult(f"EN {text}", "es", "words", 1)


def holding(worker: Worker, call: str, *, conversation: str | None = None) -> asyncio.Event:
    """What the platform answers to `call` is handed on when the event is set, and not before."""
    rest, release = worker.tools.rest, asyncio.Event()
    honest = getattr(rest, call)

    async def held(external_id: str, *args: Any, **more: Any) -> Any:
        answer = await honest(external_id, *args, **more)
        if conversation in (None, external_id):
            await release.wait()
        return answer

    setattr(rest, call, held)
    return release


@dataclass
class Worker:
    drain: Drain
    tools: LaneTools
    crossing: Crossing[Change]
    world: Any

    async def hear(self, *frames: dict[str, Any], backfilled: bool = False) -> None:
        """What the gateway would do with these frames."""
        events = [replace(event_of(frame), backfilled=backfilled) for frame in frames]
        await self.crossing.call(lambda: record_events(events, stream="messaging"))
        self.drain.wake()

    async def hear_guest(self, *texts: str, conversation: str = "conv-1") -> None:
        place = self.world.conversation(conversation)
        await self.hear(*(self.world.say_as_guest(place, text) for text in texts))

    async def until(self, condition: Callable[[], Any], *, within_s: float = 20.0) -> None:
        """Asks the database, on the worker's own thread."""
        deadline = time.monotonic() + within_s
        while not await self.crossing.call(condition):
            assert time.monotonic() < deadline, await self.crossing.call(_situation)
            await asyncio.sleep(0.02)

    async def until_idle(self, *, within_s: float = 20.0) -> None:
        await self.until(_nothing_is_due, within_s=within_s)
        report = await self.crossing.call(verify_journal)
        assert report.holds, report.faults

    def posts(self, conversation: str | None = None) -> list[str]:
        return [entry["text"] for entry in self.entries("post", conversation) if entry["applied"]]

    def puts(self, conversation: str | None = None) -> list[dict[str, str]]:
        found = [entry for entry in self.entries("put", conversation) if entry["applied"]]
        return [entry["attributes"] for entry in found]

    def entries(self, kind: str, conversation: str | None = None) -> list[dict[str, Any]]:
        found = self.world.ledger.entries(kinds=frozenset({kind}))
        return [one for one in found if conversation in (None, one["conversationId"])]


def _nothing_is_due() -> bool:
    return not Conversation.objects.filter(work_at__isnull=False).exists()


def _situation() -> Any:
    rows = Delivery.objects.values_list("message_id", "state", "reason", "attributes_state")
    leases = Conversation.objects.values_list("external_id", "work_at", "lease_owner")
    return list(rows), list(leases)


async def impatient_sleep(seconds: float) -> None:
    """Retries within a call do not wait for their seconds."""
    await asyncio.sleep(min(seconds, 0.01))


def config_of(simulator: Any) -> GenesysConfig:
    return GenesysConfig(
        client_id=TEST_ENVIRONMENT["GENESYS_CLIENT_ID"],
        client_secret=TEST_ENVIRONMENT["GENESYS_CLIENT_SECRET"],
        oauth_url=f"{simulator.base_url}/oauth/token",
        oauth_style="basic",
        scopes=SCOPES,
        api_url=simulator.base_url,
        messaging_socket_url=f"{simulator.socket_url}",
    )


@asynccontextmanager
async def working(
    simulator: Any,
    *,
    translator: Any = None,
    owner: str = "worker-1",
    head_wait_s: float = 0.3,
    reconcile_window_s: float = 8.0,
    policy: str = "no-duplicate",
    deliveries_per_minute: int = 1000,
    batcher: Batcher | None = None,
) -> AsyncIterator[Worker]:
    """Runs one drain until the block ends, then stops it in good order."""
    crossing: Crossing[Change] = Crossing(commit_changes, name=owner)
    http = HttpClient()
    config = config_of(simulator)
    tokens = DatabaseTokens(config, http, crossing.call)
    rest = GenesysRest(http, config, tokens, sleep=impatient_sleep)
    batcher = batcher or Batcher(FakeProvider(), target="EN-US")
    tools = LaneTools(
        owner=owner,
        crossing=crossing,
        rest=rest,
        translator=translator or Words(),
        target_language="EN-US",
        head_wait_s=head_wait_s,
        reconcile_window_s=reconcile_window_s,
        policy=policy,
        deliveries_per_minute=deliveries_per_minute,
        monotonic=time.monotonic,
    )
    with contextlib.suppress(GenesysError):
        await tokens.current()  # so that no first delivery waits for it
    drain = Drain(tools=tools, crossing=crossing, batcher=batcher, provider="words")
    task = asyncio.create_task(drain.run(), name=owner)
    try:
        yield Worker(drain, tools, crossing, simulator.world)
    finally:
        await drain.stop(within_s=5)
        await task
        await crossing.close()
        await batcher.aclose()
        await http.aclose()
