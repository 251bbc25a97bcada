"""The database's own wake-ups: heard by whom they are meant for, and again after a break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from django.db import connection

from conversations import listening
from conversations.listening import Listener
from conversations.models.notice import ANYBODY, notify
from conversations.models.trip import Trip

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql_only,  # SQLite calls nobody
]


class Ear:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.hears: list[bool] = []
        self._news = asyncio.Event()

    def on_work(self, conversations: list[int]) -> None:
        self.calls.append(conversations)
        self._news.set()

    async def next(self) -> list[int]:
        async with asyncio.timeout(8):
            await self._news.wait()
        self._news.clear()
        return self.calls[-1]


@asynccontextmanager
async def ear(owner: str = "me") -> AsyncIterator[Ear]:
    heard = Ear()
    listener = Listener(owner, on_work=heard.on_work, on_hearing=heard.hears.append)
    task = asyncio.create_task(listener.run())
    try:
        assert await heard.next() == []  # what came before it listened is looked for
        yield heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def call(owner: str, *ids: int) -> None:
    def send() -> None:
        trip = Trip()
        notify(trip, {owner: set(ids)})
        trip.go()

    await in_thread(send)


async def cut() -> None:
    def end_the_listening_session() -> None:
        with connection.cursor() as cursor:
            cursor.execute(  # other tests run on this server at the same time
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )

    await in_thread(end_the_listening_session)


async def in_thread(act: Callable[[], None]) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    await asyncio.to_thread(run)


async def test_a_call_names_the_conversations_of_its_owner():
    async with ear() as heard:
        await call("me", 5, 7)
        assert sorted(await heard.next()) == [5, 7]


async def test_a_call_to_anybody_is_a_call_to_look():
    async with ear() as heard:
        await call(ANYBODY, 5)
        assert await heard.next() == []


async def test_a_call_to_somebody_else_is_not_ours():
    async with ear() as heard:
        await call("you", 5)
        await call("me", 6)
        assert await heard.next() == [6]
        assert heard.calls == [[], [6]]


async def test_so_many_that_they_do_not_fit_are_a_call_to_look():
    async with ear() as heard:
        await call("me", *range(10_000_000, 10_000_700))
        assert await heard.next() == []


async def test_after_a_break_it_listens_again_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listening, "_AGAIN_S", 0.05)
    async with ear() as heard:
        await cut()
        assert await heard.next() == []

        assert heard.hears == [True, False, True]
        await call("me", 1)
        assert await heard.next() == [1]
