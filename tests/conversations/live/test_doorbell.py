"""The doorbell: gathered, best effort, never in the way of who rings it."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from channels.layers import channel_layers, get_channel_layer

from conversations.live import doorbell
from conversations.live.doorbell import GROUP, PAIRS_A_MESSAGE, Doorbell


@pytest.fixture
def in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


class BrokenLayer:
    async def group_send(self, group, message):
        raise ConnectionError("refused")


async def heard(number: int) -> list[dict]:
    layer = get_channel_layer()
    async with asyncio.timeout(5):
        return [await layer.receive("ear!x") for _ in range(number)]


async def a_bell() -> Doorbell:
    bell = Doorbell()
    bell.bind(asyncio.get_running_loop())
    await get_channel_layer().group_add(GROUP, "ear!x")
    return bell


async def test_bells_rung_together_go_out_as_one(in_memory):
    bell = await a_bell()

    for seq in range(1, 6):
        bell.ring([(1, seq)])
    bell.ring([(2, 9)])

    assert await heard(1) == [{"type": "bell", "pairs": [[1, 5], [2, 9]]}]


async def test_many_conversations_are_several_messages(in_memory):
    bell = await a_bell()

    bell.ring((pk, 1) for pk in range(PAIRS_A_MESSAGE + 1))

    assert [len(message["pairs"]) for message in await heard(2)] == [PAIRS_A_MESSAGE, 1]


async def test_any_thread_may_ring(in_memory):
    bell = await a_bell()

    threading.Thread(target=bell.ring, args=([(1, 1)],)).start()

    assert await heard(1) == [{"type": "bell", "pairs": [[1, 1]]}]


async def test_typing_says_who_and_when(in_memory):
    bell = await a_bell()

    bell.typing(7, "guest", "started", datetime(2026, 1, 2, tzinfo=UTC))

    (message,) = await heard(1)
    assert message["type"] == "typing"
    assert message["at"] == "2026-01-02T00:00:00+00:00"


async def test_a_broken_layer_is_counted_and_left_alone_for_a_while(in_memory, monkeypatch):
    bell = await a_bell()
    bell.ring([(1, 1)])
    await heard(1)
    monkeypatch.setattr(doorbell, "get_channel_layer", BrokenLayer)

    for seq in (1, 2):
        bell._pairs = {1: seq}
        await bell._flush()

    assert bell.failures == 1
    assert bell.dropped == 1


def test_nobody_listening_is_no_error(in_memory):
    bell = Doorbell()

    bell.ring([(1, 1)])

    assert bell.dropped == 1
