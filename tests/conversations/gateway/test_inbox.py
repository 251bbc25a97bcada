"""The inbox is bounded, keeps what the database refuses, and says when it has lost something."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from conversations import crossing as crossing_module
from conversations.gateway.inbox import Inbox, InboxLost
from conversations.genesys.events import Ignored, Malformed
from conversations.models import DeadLetter, Message
from conversations.signals import work_arrived
from tests.conversations.locking import locked_out
from tests.conversations.services.wire import AGENT, event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    opened = Inbox(stream="messaging", bound=5)
    yield opened
    await opened.crossing.close()


async def settled(inbox: Inbox) -> None:
    """Everything that was put is committed, and what that caused as well."""
    quiet = 0
    async with asyncio.timeout(10):
        while quiet < 3:
            await asyncio.sleep(0.01)
            quiet = 0 if _is_busy(inbox) else quiet + 1


def _is_busy(inbox: Inbox) -> bool:
    """A refused batch is committed one by one, and what is refused alone is kept after that."""
    pump = inbox.crossing._pump
    return bool(inbox.crossing._waiting) or (pump is not None and not pump.done())


async def asked(inbox: Inbox, question: Callable[[], Any]) -> Any:
    await settled(inbox)
    return await inbox.crossing.call(question)


async def test_events_are_stored_in_the_order_of_their_frames(inbox: Inbox):
    for number in range(12):
        await inbox.put(event(f"{number}", id=f"m-{number}"))

    seqs = await asked(
        inbox, lambda: list(Message.objects.order_by("seq").values_list("external_id", flat=True))
    )
    assert seqs == [f"m-{number}" for number in range(12)]
    assert inbox.stored_until is not None


async def test_counts_tell_what_came(inbox: Inbox):
    said = event("Hola", id="m-1")
    for one in (said, said, Malformed(b"{", "not JSON", 1), Ignored("news")):
        await inbox.put(one)
    await settled(inbox)

    counts = inbox.counts
    assert (counts.frames, counts.repeated, counts.malformed, counts.ignored) == (4, 1, 1, 1)


async def test_a_workers_bell_rings_for_work_and_for_nothing_else(inbox: Inbox):
    bells: list[object] = []

    def heard(**_: Any) -> None:
        bells.append(1)

    work_arrived.connect(heard)
    try:
        await inbox.put(event("Hi", sender=AGENT))
        await settled(inbox)
        assert bells == []

        await inbox.put(event("Hola"))
        await settled(inbox)
        assert bells == [1]
    finally:
        work_arrived.disconnect(heard)


async def test_a_full_inbox_makes_the_reader_wait(inbox: Inbox):
    async with locked_out(inbox.crossing.call, wait_ms=5_000):
        for number in range(5):
            await inbox.put(event(f"{number}"))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await inbox.put(event("one too many"))

    await inbox.put(event("now there is room"))
    assert await asked(inbox, Message.objects.count) == 6


async def test_an_event_that_the_database_refuses_is_kept_as_a_dead_letter_alone(inbox: Inbox):
    for one in (event("Hola", id="m-1"), event("half a pair \ud800", id="m-2"), event("Adiós")):
        await inbox.put(one)

    letter = await asked(inbox, DeadLetter.objects.select_related("body").get)
    assert letter.reason == "refused by the database"
    assert json.loads(bytes(letter.body.body)) == {"text": "half a pair ?"}
    assert await asked(inbox, Message.objects.count) == 2


async def test_a_database_that_stays_away_is_said_to_the_reader_once(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crossing_module, "_RETRY_S", ())
    async with locked_out(inbox.crossing.call, wait_ms=50):
        await inbox.put(event("lost", id="m-1"))
        await settled(inbox)

    with pytest.raises(InboxLost):
        await inbox.put(event("next", id="m-2"))
    assert inbox.stored_until is None
    await inbox.put(event("lost", id="m-1"))

    assert await asked(inbox, Message.objects.count) == 1


async def test_a_database_that_comes_back_in_time_loses_nothing(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crossing_module, "_RETRY_S", (0.2, 0.2, 0.2))
    async with locked_out(inbox.crossing.call, wait_ms=50):
        for number in range(3):
            await inbox.put(event(f"{number}"))
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)

    assert await asked(inbox, Message.objects.count) == 3


async def test_what_was_lost_before_the_question_is_not_taken_for_stored(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crossing_module, "_RETRY_S", ())
    async with locked_out(inbox.crossing.call, wait_ms=50):
        await inbox.put(event("lost", id="m-1"))
        await settled(inbox)

    with pytest.raises(InboxLost):
        await inbox.stored()
    with pytest.raises(InboxLost):  # the reader has not heard of it yet
        await inbox.put(event("next", id="m-2"))
    await inbox.stored()
