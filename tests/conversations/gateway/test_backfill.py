"""After every opening the gap is read, and live events wait for their conversation's history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from django.db import OperationalError

from conversations.gateway.backfill import Backfill
from conversations.gateway.inbox import InboxLost
from conversations.genesys.events import Event, Ignored, MessageReceived
from conversations.genesys.rest import HISTORY_BYTES
from tests.conversations.genesys.fakes import Platform, rest_to
from tests.conversations.services.wire import event

SINCE = datetime(2024, 6, 15, 10, 0, tzinfo=UTC)


class History:
    """The platform's reading calls, each conversation's answer held back until let go."""

    def __init__(self, conversations: dict[str, list[str]]) -> None:
        self.conversations = conversations
        self.status = 200
        self.active_status = 200

    def __call__(self, request: web.Request) -> web.StreamResponse:
        *_, last = request.path.split("/")
        if last != "messages":
            rows = [{"conversationId": key, "lastMessageAt": None} for key in self.conversations]
            return web.json_response({"conversations": rows}, status=self.active_status)
        key = request.path.split("/")[-2]
        messages = [_wire(key, text) for text in self.conversations.get(key, [])]
        return web.json_response({"messages": messages}, status=self.status)


def _wire(conversation: str, text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "conversationId": conversation,
        "id": f"{conversation}-{text}",
        "from": {"id": "guest-1", "type": "guest"},
        "text": text,
        "timestamp": "2024-06-15T10:30:00.000Z",
    }


class Inbox:
    """Takes events in order; may be slow, as one that is full."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.events: list[Event] = []
        self.slow_s = 0.0
        self.losses = 0

    async def put(self, one: Event) -> None:
        if self.losses:
            self.losses -= 1
            raise InboxLost("OperationalError")
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        self.events.append(one)
        if isinstance(one, MessageReceived):
            self.texts.append(one.text)


@asynccontextmanager
async def backfill(
    history: Callable[..., Any],
    *,
    known: tuple[str, ...] = (),
    since: datetime = SINCE,
    hold_s: float = 2.0,
) -> AsyncIterator[tuple[Backfill, Inbox, Platform]]:
    async def known_since(_moment: datetime) -> list[str]:
        return list(known)

    async def followed(names: list[str]) -> set[str]:
        return set(names) & set(known)

    inbox = Inbox()
    async with rest_to(history) as (rest, platform):
        yield (
            Backfill(
                rest=rest,
                put=inbox.put,
                since=since,
                known_since=known_since,
                known=followed,
                hold_s=hold_s,
            ),
            inbox,
            platform,
        )


async def test_every_active_conversation_is_read_since_the_moment_asked_for():
    async with backfill(History({"c1": ["a", "b"], "c2": ["c"]})) as (filling, inbox, asked):
        assert await filling.run()

        assert sorted(inbox.texts) == ["a", "b", "c"]
        assert all(getattr(one, "backfilled", False) for one in inbox.events)
        assert filling.messages == 3
        assert asked.requests[0][1].endswith("activeSince=2024-06-15T10:00:00.000Z")


async def test_where_the_call_is_missing_the_known_conversations_are_read():
    history = History({"c1": ["a"]})
    history.active_status = 404
    async with backfill(history, known=("c1",)) as (filling, inbox, _):
        assert await filling.run()

        assert inbox.texts == ["a"]


@pytest.mark.parametrize(("known", "texts"), [(("c1",), []), ((), ["a", "b"])])
async def test_of_what_was_followed_before_only_the_gap_is_stored_again(
    known: tuple[str, ...], texts: list[str]
):
    """The whole history of every conversation would hold up what is said now."""
    history, later = History({"c1": ["a", "b"]}), datetime(2040, 1, 1, tzinfo=UTC)
    async with backfill(history, known=known, since=later) as (filling, inbox, _):
        assert await filling.run()

        assert inbox.texts == texts


async def test_a_platform_without_histories_closes_the_gap_with_nothing():
    history = History({"c1": []})
    history.status = 404
    async with backfill(history) as (filling, inbox, _):
        assert await filling.run()

        assert inbox.texts == []


@pytest.mark.parametrize("name", ["status", "active_status"])
async def test_a_gap_that_could_not_be_read_is_not_closed(name: str):
    history = History({"c1": ["a"]})
    setattr(history, name, 503)
    async with backfill(history) as (filling, inbox, _):
        await filling.offer(event("live", conversation="c1"))

        assert not await filling.run()

        assert inbox.texts == ["live"]


def _only_of_c1(answers: list[Callable[[], web.StreamResponse]]) -> Callable[..., Any]:
    """c1's history is answered by these, the last one for ever; c2's is good."""
    good = History({"c1": ["a"], "c2": ["b"]})

    def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/c1/messages"):
            return good(request)
        return (answers.pop(0) if len(answers) > 1 else answers[0])()

    return answer


def _asked_for(asked: Platform, conversation: str) -> int:
    return sum(path.endswith(f"/{conversation}/messages") for _, path, *_ in asked.requests)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (lambda: web.json_response({}, status=410), 1),
        (lambda: web.Response(body=b" " * (HISTORY_BYTES + 1)), 3),
    ],
    ids=["refused", "too large"],
)
async def test_a_history_that_nobody_can_read_keeps_no_gap_open(
    answer: Callable[[], web.StreamResponse], tries: int, caplog: pytest.LogCaptureFixture
):
    async with backfill(_only_of_c1([answer])) as (filling, inbox, asked):
        await filling.offer(event("live", conversation="c1"))

        assert await filling.run()
        assert await filling.run()

        assert inbox.texts[:2] in (["live", "b"], ["b", "live"])
        assert _asked_for(asked, "c1") == tries
    assert [one.levelname for one in caplog.records if "given up" in one.message] == ["ERROR"]


@pytest.mark.parametrize("status", [503, 302])
async def test_only_what_could_not_be_read_is_asked_for_again(status: int):
    answers = [lambda: web.json_response({}, status=status)] * 3
    answers.append(lambda: web.json_response({"messages": [_wire("c1", "a")]}))
    async with backfill(_only_of_c1(answers)) as (filling, inbox, asked):
        while not await filling.run():
            assert _asked_for(asked, "c1") < 4

        assert inbox.texts == ["b", "a"]
        assert _asked_for(asked, "c2") == 1


async def test_after_a_loss_everything_is_read_again():
    async with backfill(History({"c1": ["a"], "c2": ["b"]})) as (filling, inbox, asked):
        inbox.losses = 1

        assert not await filling.run()
        assert await filling.run()

        assert set(inbox.texts) == {"a", "b"}
        assert _asked_for(asked, "c1") + _asked_for(asked, "c2") >= 3


async def test_live_events_of_a_conversation_come_after_its_history():
    async with backfill(History({"c1": ["a", "b"]})) as (filling, inbox, _):
        await filling.offer(event("live-1", conversation="c1"))
        await filling.offer(event("live-2", conversation="c1"))
        assert inbox.texts == []

        await filling.run()
        await filling.offer(event("live-3", conversation="c1"))

        assert inbox.texts == ["a", "b", "live-1", "live-2", "live-3"]


async def test_other_conversations_do_not_wait_once_it_is_known_which_are_active():
    async with backfill(History({"c1": ["a"]})) as (filling, inbox, _):
        await filling.offer(event("other", conversation="c9"))

        await filling.run()

        assert sorted(inbox.texts) == ["a", "other"]


async def test_an_event_of_no_conversation_never_waits():
    async with backfill(History({"c1": ["a"]})) as (filling, inbox, _):
        await filling.offer(Ignored("news"))

        assert inbox.events == [Ignored("news")]


async def test_live_events_are_held_no_longer_than_their_time():
    release, inbox = asyncio.Event(), Inbox()
    stuck = Backfill(
        rest=_Stuck(release),  # type: ignore[arg-type]
        put=inbox.put,
        since=SINCE,
        known_since=_nobody,
        known=_nobody_of,
        hold_s=0.05,
    )
    running = asyncio.create_task(stuck.run())
    await stuck.offer(event("live", conversation="c1"))
    while not inbox.texts:
        await asyncio.sleep(0.005)

    await stuck.offer(event("later", conversation="c1"))

    assert inbox.texts == ["live", "later"]  # although nothing has been answered
    release.set()
    await running


async def test_where_somebody_speaks_the_history_is_read_first():
    names = [f"c{number:03}" for number in range(100)]
    async with backfill(History({name: ["a"] for name in names})) as (filling, inbox, asked):
        await filling.offer(event("now", conversation="c099"))

        await filling.run()

        histories = [path for _, path, *_ in asked.requests if path.endswith("/messages")]
        assert len(histories) == len(set(histories)) == 100
        assert "c099" in histories[0]
        of_theirs = [one.text for one in inbox.events if one.conversation_id == "c099"]
        assert of_theirs == ["a", "now"]


async def test_what_comes_late_in_a_long_backfill_waits_for_its_history_all_the_same():
    """The time is each event's own, and not the connection's."""
    release = asyncio.Event()

    class Slow(_Stuck):
        async def active_conversations(self, _since: datetime) -> list[Any]:
            return [type("Row", (), {"conversation_id": name})() for name in ("c1", "c2")]

        async def conversation_messages(self, name: str, *, since: Any = None) -> list[Event]:
            await release.wait()
            return [event("before", conversation=name)]

    inbox = Inbox()
    slow = Backfill(
        rest=Slow(release),  # type: ignore[arg-type]
        put=inbox.put,
        since=SINCE,
        known_since=_nobody,
        known=_nobody_of,
        hold_s=0.2,
    )
    running = asyncio.create_task(slow.run())
    await slow.offer(event("early", conversation="c1"))
    while not inbox.texts:
        await asyncio.sleep(0.005)
    release.set()  # its history comes within the time that it is held, however slow this machine
    await slow.offer(event("late", conversation="c2"))
    await running

    assert inbox.texts[0] == "early"
    assert inbox.texts.index("late") == len(inbox.texts) - 1


class _Stuck:
    """A platform that does not answer before it is let go."""

    def __init__(self, release: asyncio.Event) -> None:
        self._release = release

    async def active_conversations(self, _since: datetime) -> list[Any]:
        await self._release.wait()
        return []


async def _nobody(_moment: datetime) -> list[str]:
    return []


async def _nobody_of(_names: list[str]) -> set[str]:
    return set()


async def test_what_is_held_when_the_connection_ends_is_kept():
    release = asyncio.Event()
    inbox = Inbox()
    stuck = Backfill(
        rest=_Stuck(release),  # type: ignore[arg-type]
        put=inbox.put,
        since=SINCE + timedelta(hours=1),
        known_since=_nobody,
        known=_nobody_of,
    )
    running = asyncio.create_task(stuck.run())
    await asyncio.sleep(0)
    await stuck.offer(event("held", conversation="c1"))

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert inbox.texts == ["held"]


async def test_a_database_that_fails_once_keeps_no_gap_open_and_nothing_held():
    """Whoever is held would wait for a round that never comes, and so would all that follows."""
    away = [OperationalError("the connection is gone")]
    inbox = Inbox()

    async def known(_names: list[str]) -> set[str]:
        if away:
            inbox.losses = 1  # the same outage
            raise away.pop()
        return set()

    async with rest_to(History({"c1": ["a"]})) as (rest, _):
        filling = Backfill(rest=rest, put=inbox.put, since=SINCE, known_since=_nobody, known=known)
        await filling.offer(event("held", conversation="c1"))

        assert not await filling.run()
        await filling.offer(event("live", conversation="c1"))

        assert inbox.texts == ["held", "live"]
        assert await filling.run()
        assert inbox.texts == ["held", "live", "a"]
