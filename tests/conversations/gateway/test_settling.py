"""Copies wait for the org socket: for a moment, over its gap, and never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from conversations.gateway.settling import Settling
from conversations.genesys.events import MessageCopied
from conversations.models import Message, StreamState
from conversations.services.org_socket import is_read_up_to
from tests.conversations.live.histories import a_conversation

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
count = database_sync_to_async(Message.objects.count)


def copy(text: str) -> MessageCopied:
    return MessageCopied(
        conversation_id="c",
        external_id=text,
        origin="guest",
        sender_id="g",
        sender_name="",
        text=text,
        sent_at=NOW,
    )


@asynccontextmanager
async def settling(
    is_read: Callable[[datetime], bool], **options: float
) -> AsyncIterator[Settling]:
    await database_sync_to_async(a_conversation)("c")
    running = Settling(settle_s=0.05, is_read_up_to=is_read, **options)
    try:
        yield running
    finally:
        await running.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not condition():
            await asyncio.sleep(0.02)


async def test_copies_wait_until_the_org_socket_has_been_read_up_to_them():
    read_up_to: list[datetime] = []
    asked: list[datetime] = []

    def is_read(moment: datetime) -> bool:
        asked.append(moment)
        return bool(read_up_to) and moment <= read_up_to[-1]

    async with settling(is_read) as running:
        await running.put(copy("first"))
        await until(lambda: len(asked) >= 2)
        read_up_to.append(timezone.now())
        await running.put(copy("second"))
        await until(lambda: running.stored == 1)
        looks = len(asked)
        await until(lambda: len(asked) > looks + 1)
        assert (running.stored, await count()) == (1, 1)

        read_up_to.append(timezone.now())
        await until(lambda: running.stored == 2)


async def test_one_look_is_enough_for_all_that_came_before_it():
    asked: list[datetime] = []

    def is_read(moment: datetime) -> bool:
        asked.append(moment)
        return True

    async with settling(is_read) as running:
        for number in range(20):
            await running.put(copy(str(number)))
        await until(lambda: running.stored == 20)

    assert len(asked) == 1


async def test_an_outage_of_the_org_socket_alone_hides_nothing_for_long():
    async with settling(lambda _: False, at_most_s=0.2) as running:
        await running.put(copy("said"))
        await until(lambda: running.stored == 1)


async def test_an_end_in_good_order_waits_for_nobody():
    async with settling(lambda _: False) as running:
        await running.put(copy("said"))

    assert await count() == 1


AGO = timedelta(seconds=-10)
SOON = timedelta(seconds=10)


@pytest.mark.parametrize(
    ("fields", "is_read"),
    [
        ({}, True),
        ({"state": "waiting"}, False),
        ({"gap_since": AGO}, False),
        ({"connected_at": SOON, "backfilled_at": None}, False),
        ({"connected_at": SOON, "backfilled_at": SOON}, True),
        ({"lease_until": AGO}, False),
        ({"lease_until": None}, False),
        ({"updated_at": AGO}, False),
    ],
)
def test_what_the_stream_s_row_says(fields: dict[str, object], is_read: bool):
    now = timezone.now()
    whole = {"state": "live", "connected_at": AGO, "lease_until": SOON, "updated_at": SOON}
    row = StreamState.objects.create(kind="messaging")
    values = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in (whole | fields).items()
    }
    StreamState.objects.filter(pk=row.pk).update(**values)

    assert is_read_up_to(now) is is_read


def test_without_an_org_stream_nothing_is_known():
    assert not is_read_up_to(timezone.now())
