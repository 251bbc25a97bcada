"""Pages that begin together share what is read for them, and none begins too early."""

from __future__ import annotations

import asyncio

import pytest
from channels.db import database_sync_to_async

from conversations.live import frames, rights, starts
from conversations.live.outbox import Outbox
from conversations.live.starts import MAX_CURSORS, Starts
from conversations.live.watches import ConversationWatch, Member
from tests.conversations.live.histories import History, a_conversation
from tests.conversations.live.pages import Page

pytestmark = pytest.mark.django_db(transaction=True)

STORM = 500


@pytest.fixture
def reads(monkeypatch) -> list:
    """Each real read of what a page begins with, by its cursor."""
    found, honest = [], starts.start

    def counted(pk, after):
        found.append(after)
        return honest(pk, after)

    monkeypatch.setattr(starts, "start", counted)
    return found


@pytest.fixture
async def history() -> History:
    @database_sync_to_async
    def made() -> History:
        history = History(a_conversation())
        for _ in range(3):
            history.say()
        return history

    return await made()


def a_member(pk: int) -> tuple[Member, Page]:
    page = Page()

    async def send(text: str) -> None:
        page.receive(text)

    async def close(code: int) -> None:
        raise AssertionError(code)

    claim = rights.Claim(user_id=1, session_key="s", session_hash="h", conversation=pk)
    return Member(claim, Outbox(send), close, restart=lambda: None), page


async def test_pages_that_come_back_together_share_one_read(history, reads):
    """Reliability F2: every page of a process, after a restart."""
    watch = ConversationWatch(history.conversation.pk)
    members = [a_member(watch.pk) for _ in range(STORM)]

    await asyncio.gather(*(watch.begin(member, 1) for member, _ in members))

    assert reads == [1]
    assert all(member.pending is None for member, _ in members)


async def test_different_cursors_cost_no_more_than_a_few_reads(history, reads):
    begun = Starts(history.conversation.pk)

    found = await asyncio.gather(*(begun.get(after % 4, at_least=0) for after in range(100)))
    many = await asyncio.gather(*(begun.get(after, at_least=0) for after in range(100, 150)))

    assert len(reads) <= 4 + MAX_CURSORS + 1
    assert {one.seq for one in (*found, *many)} == {history.conversation.seq}


async def test_what_was_read_before_a_page_joined_is_read_again(history, reads):
    watch = ConversationWatch(history.conversation.pk)
    early, _ = a_member(watch.pk)
    await watch.begin(early, None)
    await database_sync_to_async(history.say)()
    watch.cursor = history.conversation.seq  # the tailer has handed that out

    late, page = a_member(watch.pk)
    await watch.begin(late, None)
    running = asyncio.create_task(late.outbox.run())
    while page.seq is None:
        await asyncio.sleep(0)
    running.cancel()

    assert page.seq == history.conversation.seq
    assert reads == [None, None]


async def test_one_page_that_leaves_does_not_end_the_read_of_the_others(history, reads):
    watch = ConversationWatch(history.conversation.pk)
    leaving, staying = (
        asyncio.create_task(watch.begin(a_member(watch.pk)[0], None)) for _ in range(2)
    )
    await asyncio.sleep(0)

    leaving.cancel()
    await staying

    assert reads == [None]


async def test_a_large_start_is_several_messages(history):
    @database_sync_to_async
    def grow() -> None:
        for _ in range(30):
            history.say("guest", "x" * 10_000)

    await grow()
    begun = await Starts(history.conversation.pk).get(None, at_least=0)

    page = Page()
    for frame in begun.frames:
        assert frame.size <= 2 * frames.BATCH_BYTES
        assert not page.is_whole
        page.receive(frame)
    assert page.is_whole
    assert len(page.rows) == 33
