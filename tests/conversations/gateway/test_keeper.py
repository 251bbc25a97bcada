"""A keeper holds what is wanted: within its bounds, and whatever a single stream does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from conversations.crossing import Crossing
from conversations.gateway import keeper, leases
from conversations.gateway.leases import Progress
from conversations.gateway.supervisor import Supervisor
from conversations.models import StreamState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(keeper, "LOOK_S", 0.05)


class Held:
    def __init__(self, key: str) -> None:
        self.key = key
        self.ending = asyncio.Event()
        self.failure: Exception | None = None
        self.state = "live"

    async def run(self) -> None:
        await self.ending.wait()
        if self.failure:
            raise self.failure

    def stop(self) -> None:
        self.state = "stopped"
        self.ending.set()

    def progress(self) -> Progress:
        return Progress(self.state, 0, "", 1, 0, 0, None, None)


@dataclass
class Kind:
    name: str = "transcript"
    limit: int = 10
    in_all: int | None = None
    lease_s: float = 6.0
    rest_s: float = 300.0
    keys: Sequence[str] = ()
    made: list[Held] = field(default_factory=list)
    is_closed: bool = False

    def wanted(self) -> Sequence[str]:
        return list(self.keys)

    def stream(self, key: str) -> Held:
        self.made.append(Held(key))
        return self.made[-1]

    async def close(self) -> None:
        self.is_closed = True

    @property
    def running(self) -> list[str]:
        return sorted(one.key for one in self.made if not one.ending.is_set())

    def of(self, key: str) -> Held:
        return next(one for one in reversed(self.made) if one.key == key)


@asynccontextmanager
async def gateways(*kinds: Kind) -> AsyncIterator[list[Supervisor]]:
    """One gateway for each kind given, each with a name of its own."""
    running = [Supervisor([kind], owner=f"gateway-{at}") for at, kind in enumerate(kinds)]
    tasks = [asyncio.create_task(one.run()) for one in running]
    try:
        yield running
    finally:
        for one in running:
            one.stop()
        await asyncio.gather(*tasks)


async def ask(question):
    database: Crossing[None] = Crossing(lambda items: list(items), name="test")
    try:
        return await database.call(question)
    finally:
        await database.close()


async def until(condition) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def row(key: str) -> StreamState:
    return StreamState.objects.get(key=key)


async def test_what_is_wanted_runs_and_what_is_not_ends():
    kind = Kind(keys=["a", "b"])
    async with gateways(kind):
        await until(lambda: kind.running == ["a", "b"])

        kind.keys = ["b", "c"]

        await until(lambda: kind.running == ["b", "c"])
    assert (kind.running, kind.is_closed) == ([], True)
    assert (await ask(lambda: row("a"))).reason == "nobody wants it any more"


async def test_one_that_fails_disturbs_no_other_and_comes_back(monkeypatch):
    monkeypatch.setattr(keeper, "_FAILED_REST_S", 0.1)
    kind = Kind(keys=["a", "b"])
    async with gateways(kind):
        await until(lambda: kind.running == ["a", "b"])
        first = kind.of("a")
        first.failure = RuntimeError("a defect")
        first.ending.set()

        await until(lambda: kind.running == ["a", "b"] and kind.of("a") is not first)
        assert kind.of("b") is kind.made[1]


async def test_one_that_ended_by_itself_rests():
    kind = Kind(keys=["a", "b"])
    async with gateways(kind):
        await until(lambda: kind.running == ["a", "b"])
        kind.of("a").state = "refused"
        kind.of("a").ending.set()

        while (rested := await ask(lambda: row("a"))).owner:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert [one.key for one in kind.made] == ["a", "b"]
        assert rested.state == "refused"
        assert rested.resume_at > datetime.now(UTC) + timedelta(seconds=200)


async def test_gateways_share_and_each_keeps_to_its_limit():
    keys = [f"c{number}" for number in range(5)]
    first, second = Kind(limit=3, keys=keys), Kind(limit=3, keys=keys)
    async with gateways(first, second):
        await until(lambda: sorted(first.running + second.running) == keys)

        assert max(len(first.running), len(second.running)) <= 3


async def test_the_bound_of_the_whole_deployment_holds():
    keys = [f"c{number}" for number in range(6)]
    kinds = [Kind(limit=5, in_all=4, keys=keys) for _ in range(2)]
    async with gateways(*kinds):
        await until(lambda: sum(len(kind.running) for kind in kinds) == 4)
        await asyncio.sleep(0.5)

        assert sum(len(kind.running) for kind in kinds) == 4


async def test_what_a_gateway_lets_go_another_takes_over():
    first, second = Kind(keys=["a"]), Kind()
    async with gateways(first, second) as (one, _):
        await until(lambda: first.running == ["a"])
        second.keys = ["a"]
        one.stop()

        await until(lambda: second.running == ["a"])


async def test_a_stream_whose_lease_was_taken_is_closed():
    kind = Kind(keys=["a"], lease_s=1.0)
    async with gateways(kind):
        await until(lambda: kind.running == ["a"])
        until_then = datetime.now(UTC) + timedelta(seconds=60)
        await ask(lambda: StreamState.objects.update(owner="another", lease_until=until_then))

        await until(lambda: kind.running == [])
    assert (await ask(lambda: row("a"))).owner == "another"


async def test_rows_that_nobody_wants_go_and_their_counts_stay(monkeypatch):
    monkeypatch.setattr(leases, "TIDY_AFTER_S", -1.0)
    await ask(lambda: StreamState.objects.create(kind="transcript", key="old", frames=7))
    await ask(lambda: StreamState.objects.create(kind="transcript", key="new", frames=1))

    gone = await ask(lambda: leases.tidy("transcript", {"new"}))

    rows = await ask(lambda: dict(StreamState.objects.values_list("key", "frames")))
    assert (gone, rows) == (1, {"new": 1, "": 7})
    assert await ask(StreamState.objects.streams().count) == 1
