"""TRAP (protocol §1): what was sent while no socket was open is never repeated by the platform.

Seen to fail with `OrgStream._on_open` fetching at the first opening only.
"""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Message
from tests.conversations.gateway.gateways import gateway

pytestmark = pytest.mark.django_db(transaction=True)


def texts() -> list[str]:
    rows = Message.objects.in_order().filter(texts__role="original")
    return list(rows.values_list("texts__text", flat=True))


async def test_what_was_said_in_each_gap_is_there_in_its_order(settings: Any, simulator: Any):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        await running.until_gap_closed()
        world = simulator.world
        place = world.conversation("conv-1")
        expected = []
        for gap in range(2):
            running.drop_sockets()
            while world.sockets:
                await running.ask(lambda: None)
            for number in range(3):
                expected.append(f"gap {gap}, {number}")
                world.say_as_guest(place, expected[-1])
            await running.until_connected()
            expected.append(f"live {gap}")
            world.say_as_guest(place, expected[-1])
            await running.until(lambda: len(texts()) == len(expected))

        assert await running.ask(texts) == expected
        assert len(running.entries("active")) >= 3
