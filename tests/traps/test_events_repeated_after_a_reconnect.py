"""TRAP (protocol §1): after a reconnect events may be repeated; each message is stored once.

Seen to fail with `KnownEvents.is_repeated` answering False.
"""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import DeadLetter, Message
from tests.conversations.gateway.gateways import gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("with_id", [True, False], ids=["with ids", "without ids"])
async def test_repeated_events_are_stored_once(settings: Any, simulator: Any, with_id: bool):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        world = simulator.world
        place = world.conversation("conv-1")
        for number in range(4):
            world.say_as_guest(place, f"{number}", with_id=with_id)
        await running.until(lambda: Message.objects.count() == 4)

        running.drop_sockets()
        await running.until_connected()
        world.repeat(place, 4)
        world.say_as_guest(place, "new", with_id=with_id)
        await running.until(lambda: Message.objects.filter(texts__text="new").exists())

        assert await running.ask(Message.objects.count) == 5
        assert await running.ask(DeadLetter.objects.count) == 0  # recognised, and not refused
