"""TRAP (protocol §1): the echo can arrive before the POST that caused it has returned.

Seen to fail with SENDING taken out of `Delivery.POSSIBLY_POSTED`.
"""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Delivery, JournalEntry
from tests.conversations.gateway.gateways import gateway
from tests.translation.workers import Words, holding, working

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_confirms_the_delivery_and_the_answer_adds_nothing_but_its_id(
    settings: Any, simulator: Any
):
    simulator.world.faults.add({"where": "post", "kind": "early_echo", "ms": 50})
    words = Words()
    async with (
        gateway(settings, simulator) as running,
        working(simulator, translator=words) as worker,
    ):
        await running.until_connected()
        answered = holding(worker, "post_message")
        world = simulator.world
        world.say_as_guest(world.conversation("conv-1"), "Hola")

        await worker.until(lambda: Delivery.objects.filter(echoed_at__isnull=False).exists())
        answered.set()  # not before
        await worker.until_idle()

        delivery = await worker.crossing.call(Delivery.objects.get)
        assert (delivery.state, delivery.confirmed_by) == ("confirmed", "echo")
        assert delivery.external_id == worker.entries("post")[0]["messageId"]
        assert words.asked == ["Hola"]
        assert len(worker.posts()) == len(worker.puts()) == 1
        confirmed = JournalEntry.objects.filter(kind="confirmed")
        assert await worker.crossing.call(confirmed.count) == 1
