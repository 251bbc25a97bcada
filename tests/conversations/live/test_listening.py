"""The subscription to the doorbell, on the channel layer that the settings name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings
from redis.asyncio import Redis

from conversations.live import listening
from conversations.live.doorbell import GROUP, Doorbell
from conversations.live.listening import Listener


@pytest.fixture(autouse=True)
def own_layer():
    """A layer that receives belongs to one loop, and every test has its own."""
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


async def forget_all_memberships() -> None:
    """As a flush or a restart does; the layer's own flush would also close its connections."""
    if settings.REDIS_URL:
        async with Redis.from_url(settings.REDIS_URL) as client:
            await client.flushdb()
    else:
        get_channel_layer().groups.clear()


@asynccontextmanager
async def listening_to(queue: asyncio.Queue):
    task = asyncio.create_task(Listener(queue.put_nowait).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()


async def rung_until_heard(bell: Doorbell, queue: asyncio.Queue, seq: int) -> dict:
    """The listener may still be subscribing: then a bell is lost, and that is allowed."""
    async with asyncio.timeout(10):
        while True:
            bell.ring([(1, seq)])
            try:
                return await asyncio.wait_for(queue.get(), 0.3)
            except TimeoutError:
                continue


async def test_a_bell_is_heard_by_the_listener():
    bell, queue = Doorbell(), asyncio.Queue()
    bell.bind(asyncio.get_running_loop())

    async with listening_to(queue):
        message = await rung_until_heard(bell, queue, 5)

    assert message["pairs"] == [[1, 5]]


async def test_a_forgotten_membership_comes_back(monkeypatch):
    """Reliability F4: a flush, a restart, an eviction."""
    monkeypatch.setattr(listening, "REJOIN_S", 0.05)
    bell, queue = Doorbell(), asyncio.Queue()
    bell.bind(asyncio.get_running_loop())

    async with listening_to(queue):
        await rung_until_heard(bell, queue, 1)
        await forget_all_memberships()
        while not queue.empty():
            queue.get_nowait()

        assert (await rung_until_heard(bell, queue, 2))["pairs"] == [[1, 2]]


async def test_a_layer_that_fails_is_tried_again(monkeypatch):
    monkeypatch.setattr(listening, "RETRY_S", (0.01,))
    bell, queue = Doorbell(), asyncio.Queue()
    bell.bind(asyncio.get_running_loop())
    layer = get_channel_layer()
    honest, failures = layer.group_add, []

    async def fails_twice(group: str, channel: str) -> None:
        assert group == GROUP
        if len(failures) < 2:
            failures.append(channel)
            raise ConnectionError("refused")
        await honest(group, channel)

    monkeypatch.setattr(layer, "group_add", fails_twice)

    async with listening_to(queue):
        await rung_until_heard(bell, queue, 3)

    assert len(failures) == 2


async def test_a_layer_that_fails_in_the_moment_of_the_end_does_not_prevent_it(monkeypatch):
    """Seen to fail with a TaskGroup: its error took the cancellation's place."""
    fails = asyncio.Event()

    class FailingLayer:
        async def new_channel(self) -> str:
            return "channel"

        async def group_add(self, group: str, channel: str) -> None:
            pass

        async def group_discard(self, group: str, channel: str) -> None:
            pass

        async def receive(self, channel: str) -> None:
            await fails.wait()
            raise ConnectionError("the layer went away")

    monkeypatch.setattr(listening, "get_channel_layer", FailingLayer)
    task = asyncio.create_task(Listener(print).run())
    await asyncio.sleep(0.05)

    fails.set()
    await asyncio.sleep(0)  # its failure is on its way to whoever waits for it
    task.cancel()
    await asyncio.wait({task}, timeout=2)

    assert task.cancelled()
