"""TRAP (protocol §1): a translation is sent as the guest, so the platform sends it back as one
more guest's message. Translated once more, it would go round for ever.

Seen to fail with `AwaitedEchoes.match` answering None.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conversations.models import Delivery, Message
from tests.conversations.gateway.gateways import gateway
from tests.translation.workers import Words, working

pytestmark = pytest.mark.django_db(transaction=True)
EQUAL = ["Hola", "Hola", "Sí"]
DISTINCT = ["Hola", "Gracias", "Sí"]


def all_echoed() -> bool:
    return Delivery.objects.filter(echoed_at__isnull=False).count() == 3


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (EQUAL, []),
        (EQUAL, ["answer_without_id"]),
        (EQUAL, ["late_echo"]),
        (EQUAL, ["reset_after"]),
        (DISTINCT, ["echo_without_id", "echo_without_id", "duplicate_echo"]),
        (DISTINCT, ["answer_without_id", "echo_without_id", "late_echo"]),
    ],
    ids=str,
)
async def test_a_delivered_translation_that_comes_back_is_never_translated(
    settings: Any, simulator: Any, said: list[str], faults: list[str]
):
    for number, kind in enumerate(faults, start=1):
        simulator.world.faults.add({"where": "post", "kind": kind, "nth": [number], "ms": 300})
    words = Words()  # finds Spanish in everything, so that nothing but recognition ends the loop
    async with (
        gateway(settings, simulator) as running,
        working(simulator, translator=words, head_wait_s=2) as worker,
    ):
        await running.until_connected()
        for text in said:
            world = simulator.world
            world.say_as_guest(world.conversation("conv-1"), text)

        await worker.until(all_echoed)
        await asyncio.sleep(0.2)
        await worker.until_idle()

        assert sorted(words.asked) == sorted(said)
        assert worker.posts() == [f"EN {text}" for text in said]
        assert await worker.crossing.call(_origins) == {"guest": 3, "injected": 3}


def _origins() -> dict[str, int]:
    origins = list(Message.objects.values_list("origin", flat=True))
    return {origin: origins.count(origin) for origin in set(origins)}
