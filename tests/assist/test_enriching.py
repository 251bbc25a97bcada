"""Enrichment against the simulated analytics: nothing is asked twice, nothing early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from assist.enriching import Run
from assist.models import Interaction, Round
from assist.services import enrichment, rounds
from conversations.conf import genesys_config
from conversations.crossing import Crossing
from conversations.genesys.rest import GenesysRest
from conversations.models import Conversation
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens
from tests.conversations.gateway.gateways import point_at
from tests.conversations.histories import said
from tests.simulators import simulator_server

pytestmark = pytest.mark.django_db(transaction=True)
State = Interaction.State


@dataclass
class Beats:
    """Schedules and their runs, each with its own crossing, as in processes of their own."""

    simulator: Any
    ahead: timedelta = timedelta()  # of all clocks of ours
    crossings: list[Crossing[Any]] = field(default_factory=list)
    clients: list[HttpClient] = field(default_factory=list)

    def now(self) -> datetime:
        return timezone.now() + self.ahead

    def run(self, **options: Any) -> Run:
        crossing: Crossing[Any] = Crossing(list, name=f"beat-{len(self.crossings)}")
        http = HttpClient()
        config = genesys_config()
        rest = GenesysRest(http, config, DatabaseTokens(config, http, crossing.call))
        self.crossings.append(crossing)
        self.clients.append(http)
        return Run(rest, crossing.call, now=self.now, **{"every": timedelta(), **options})

    async def ask(self, question: Any) -> Any:
        return await self.crossings[0].call(question)

    async def rows(self) -> dict[str, Interaction]:
        rows = Interaction.objects.select_related("conversation")
        return await self.ask(lambda: {row.conversation.external_id: row for row in rows})

    def calls(self) -> list[dict[str, Any]]:
        return self.simulator.world.ledger.entries(kinds=frozenset({"analytics"}))

    def fault(self, kind: str, **how: Any) -> None:
        self.simulator.world.faults.add({"where": "analytics", "kind": kind, **how})

    async def said(self, *names: str) -> None:
        """A guest writes, there and here."""
        for name in names:
            self.simulator.world.say_as_guest(self.simulator.world.conversation(name), "Hola")
            await self.ask(lambda name=name: said("Hola", conversation=name) and None)

    async def closed(self, name: str) -> None:
        self.simulator.world.close_conversation(self.simulator.world.conversations[name])
        rows = Conversation.objects.filter(external_id=name)
        await self.ask(lambda: rows.update(state="closed", closed_at=self.now()))


@asynccontextmanager
async def beats(settings: Any, **config: Any) -> AsyncIterator[Beats]:
    server = simulator_server(analytics_delay_s=0.0, **config)
    await server.start()
    point_at(settings, server)
    made = Beats(server)
    made.run()  # the first crossing, for questions
    try:
        yield made
    finally:
        for crossing, http in zip(made.crossings, made.clients, strict=True):
            await crossing.close()
            await http.aclose()
        await server.stop()


async def test_start_channel_and_end_are_stored_and_then_nothing_is_asked(settings) -> None:
    async with beats(settings) as b:
        await b.said("conv-1", "conv-2")
        await b.closed("conv-2")

        assert await b.run().run() == 2

        rows = await b.rows()
        assert (rows["conv-1"].state, rows["conv-2"].state) == (State.RUNNING, State.KNOWN)
        assert rows["conv-1"].channel_type == "messaging"
        assert rows["conv-1"].ended_at is None
        assert rows["conv-2"].started_at < rows["conv-2"].ended_at

        b.ahead = timedelta(hours=2)
        assert await b.run().run() == 0  # the one runs on, the other is known
        await b.closed("conv-1")
        assert await b.run().run() == 1

        assert (await b.rows())["conv-1"].state == State.KNOWN
        assert [call["doubled"] for call in b.calls()] == [False] * 3


async def test_three_runs_in_a_storm_of_429_ask_nothing_twice_and_nothing_early(settings) -> None:
    async with beats(settings) as b:
        names = [f"conv-{number}" for number in range(6)]
        await b.said(*names)
        for name in names:
            await b.closed(name)
        b.fault("429", retry_after=1, nth=[2])
        b.fault("429", retry_after=None, nth=[4])  # 2 s, then
        runs = [b.run() for _ in range(3)]

        for _ in range(3):
            asked = await asyncio.gather(*(run.run() for run in runs))
            assert sum(count > 0 for count in asked) <= 1  # one goes on at a time

        rows = await b.rows()
        assert {row.state for row in rows.values()} == {State.KNOWN}
        calls = b.calls()
        assert [call["conversationId"] for call in calls if call["early"] or call["doubled"]] == []
        answered = sorted(call["conversationId"] for call in calls if call["status"] == 200)
        assert answered == sorted(names)
        assert len(calls) == 6 + 2  # each 429 is one call, and no more


async def test_a_wait_longer_than_a_run_is_kept_for_the_next(settings) -> None:
    async with beats(settings) as b:
        await b.said("conv-1")
        b.fault("429", retry_after=600)

        await b.run().run()
        await b.run().run()

        assert len(b.calls()) == 1
        round_ = await b.ask(Round.objects.get)
        assert 590 < (round_.not_before - timezone.now()).total_seconds() <= 600
        assert "429" in round_.reason
        b.ahead = timedelta(seconds=601)
        await b.run().run()
        assert len(b.calls()) == 2
        assert (await b.rows())["conv-1"].attempts == 1  # a 429 is no attempt


async def test_html_in_place_of_an_answer_leaves_all_waiting_and_the_platform_alone(
    settings,
) -> None:
    async with beats(settings) as b:
        await b.said(*(f"conv-{number}" for number in range(6)))
        b.fault("502", html=True, times=3)

        await b.run().run()
        assert len(b.calls()) == 3  # in a row: enough
        await b.run().run()

        rows = (await b.rows()).values()
        assert sorted(row.state for row in rows) == [State.RUNNING] * 3 + [State.WAITING] * 3
        assert {row.reason for row in rows if row.state == State.WAITING} == {
            "not applied: status 502"
        }
        b.ahead = timedelta(seconds=31)
        await b.run().run()
        assert {row.state for row in (await b.rows()).values()} == {State.RUNNING}


async def test_a_403_stops_the_calls_and_names_the_scope(settings) -> None:
    async with beats(settings) as b:
        await b.said("conv-1", "conv-2")
        b.fault("403", times=5)

        await b.run().run()
        await b.run().run()

        assert len(b.calls()) == 1
        assert "analytics:read" in (await b.ask(Round.objects.get)).reason
        assert {row.attempts for row in (await b.rows()).values()} == {0}


@pytest.fixture
def waiting() -> int:
    return said("Hola").conversation_id


def begun(owner: str, now: datetime, *, every: timedelta = timedelta(seconds=25)) -> bool:
    return rounds.begin(enrichment.ROUND, owner=owner, every=every, now=now) is not None


def test_what_is_not_known_there_is_asked_for_ever_later_and_given_up_after_a_day(waiting) -> None:
    start = now = timezone.now()
    second = timedelta(seconds=1)
    enrichment.admit(start)
    row, gaps = Interaction.objects.get(), []

    while row.state == State.WAITING:
        assert begun("run", now, every=timedelta())
        enrichment.give_up(now)
        ask = enrichment.next_to_ask("run", now)
        if isinstance(ask, enrichment.Ask):
            enrichment.missing(ask, reason="not known there yet", now=now)
        rounds.end(enrichment.ROUND, owner="run", now=now, done=1)
        row.refresh_from_db()
        if row.state == State.WAITING:
            gaps.append((row.ask_at - now) // second)
            assert not Interaction.objects.due(row.ask_at - second).exists()
            now = row.ask_at

    assert gaps[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(gaps[8:]) == {3600}
    assert (row.state, row.reason) == (State.GIVEN_UP, "not known there yet")
    assert timedelta(hours=24) < now - start < timedelta(hours=25)
    assert row.attempts == len(gaps)


def test_three_schedules_make_no_more_runs_than_one(waiting) -> None:
    now = timezone.now()
    for owner, seconds, expected in (("a", 0, True), ("b", 10, False), ("c", 20, False),
                                     ("a", 30, True)):  # fmt: skip
        moment = now + timedelta(seconds=seconds)
        assert begun(owner, moment) is expected
        rounds.end(enrichment.ROUND, owner=owner, now=moment, done=0)


def test_two_runs_with_one_row_in_mind_do_not_both_get_it(waiting) -> None:
    """The lease gone wrong altogether: the row itself is taken by compare-and-set."""
    now = timezone.now()
    enrichment.admit(now)
    assert begun("one", now)
    row = Interaction.objects.due(now).first()
    assert row is not None
    assert isinstance(enrichment.next_to_ask("one", now), enrichment.Ask)

    taken = Interaction.objects.filter(pk=row.pk, ask_at=row.ask_at).update(attempts=9)

    assert taken == 0
