"""A gateway runs its stream only while it holds the lease."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.gateway import leases
from conversations.gateway.org_stream import KEY, KIND
from conversations.models import StreamState
from tests.conversations.gateway.gateways import gateway, org_stream

pytestmark = pytest.mark.django_db(transaction=True)


def is_live() -> bool:
    return StreamState.objects.filter(kind="messaging", state="live").exists()


async def test_a_second_gateway_stands_by_until_the_first_has_gone(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.ask(lambda: leases.give_back(KIND, [KEY], owner="", reason=""))
        await running.until(is_live)

        taken = await running.ask(lambda: leases.take(KIND, [KEY], owner="another").keys)

        assert not taken
        assert len(simulator.world.sockets) == 1


async def test_a_gateway_whose_lease_was_taken_closes_its_socket(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until(is_live)

        await running.ask(
            lambda: StreamState.objects.filter(kind="messaging").update(
                owner="another", lease_until=timezone.now() + timedelta(seconds=60)
            )
        )

        async with asyncio.timeout(20):
            while simulator.world.sockets:
                await asyncio.sleep(0.02)
        row = await running.ask(org_stream)
        assert row.owner == "another"


async def test_a_gateway_takes_over_when_the_lease_of_a_dead_one_has_run_out(settings, simulator):
    await asyncio.to_thread(_left_behind)
    async with gateway(settings, simulator) as running:
        await running.until_connected()

        assert (await running.ask(org_stream)).epoch == 6


def _left_behind() -> None:
    from django.db import connection

    past = timezone.now() - timedelta(seconds=1)
    StreamState.objects.create(kind=KIND, key=KEY, owner="dead", lease_until=past, epoch=5)
    connection.close()
