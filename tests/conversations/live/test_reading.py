"""How often pages are updated, and when they start afresh."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection
from django.utils import timezone

from conversations.live import doorbell, reading
from conversations.models import JournalEntry, Message, MessageText
from conversations.services.retention import remove_due
from tests.conversations import histories
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.conversations.live.pages import Page, frames_of
from tests.flush import triggers_set_aside

pytestmark = pytest.mark.django_db(transaction=True)

make_user = database_sync_to_async(a_user)
make_conversation = database_sync_to_async(a_conversation)


async def test_a_message_is_updated_once_in_100_ms_with_its_newest_row(open_socket, monkeypatch):
    monkeypatch.setattr(reading, "REST_S", 4.0)
    monkeypatch.setattr(reading, "POLL_S", 60.0)  # the bell alone
    history = History(await make_conversation("c"))
    message = await database_sync_to_async(history.say)()
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    page = Page()
    page.receive(await socket.receive_from(timeout=5))

    # Given a first update, at once, then three within the time that it rests
    steps = (history.translate, history.doubt, history.confirm, history.read)
    texts = []
    for step in steps:
        await database_sync_to_async(step)(message)
        doorbell.ring([(history.conversation.pk, history.conversation.seq)])
        if step == history.translate:
            texts.append(await socket.receive_from(timeout=15))
            page.receive(texts[-1])
    while page.seq != history.conversation.seq:
        texts.append(await socket.receive_from(timeout=20))
        page.receive(texts[-1])

    rows = [frame for text in texts for frame in frames_of(text) if frame["type"] == "row"]
    assert len(rows) == 2
    assert page.rows[message.pk]["delivery"]["state"] == "confirmed"
    assert page.rows[message.pk]["read_at"]
    await socket.disconnect()


async def test_pages_start_afresh_when_a_backup_was_put_back(open_socket):
    history = History(await make_conversation("c"))
    first = await database_sync_to_async(history.say)()
    await database_sync_to_async(history.say)()
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    page = Page()
    page.receive(await socket.receive_from(timeout=5))
    assert len(page.rows) == 2

    @database_sync_to_async
    def put_back() -> None:
        gone = Message.objects.exclude(pk=first.pk)
        entries = JournalEntry.objects.filter(message__in=gone)
        table = JournalEntry._meta.db_table
        with triggers_set_aside(connection, table), connection.cursor() as cursor:
            keys = tuple(entries.values_list("pk", flat=True))
            marks = ", ".join(["%s"] * len(keys))
            cursor.execute(f"DELETE FROM {table} WHERE id IN ({marks})", keys)  # noqa: S608
        MessageText.objects.filter(message__in=gone).delete()
        gone.delete()
        type(history.conversation).objects.update(seq=first.seq)

    await put_back()
    async with asyncio.timeout(10):
        while len(page.rows) != 1:
            page.receive(await socket.receive_from(timeout=20))

    assert page.seq == first.seq
    await socket.disconnect()


async def test_texts_that_are_erased_go_from_pages_that_are_open(open_socket):
    conversation = await database_sync_to_async(histories.conversation)("c")
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    page = Page()
    page.receive(await socket.receive_from(timeout=20))
    assert all(row["original"] for row in page.rows.values())

    due = timezone.now() + timedelta(days=1 + settings.RETAIN_TEXTS_DAYS)
    await database_sync_to_async(remove_due)(now=due)
    await database_sync_to_async(conversation.refresh_from_db)()
    async with asyncio.timeout(20):
        while page.seq != conversation.seq:
            page.receive(await socket.receive_from(timeout=20))

    assert [row["original"] for row in page.rows.values()] == [None] * 3
    await socket.disconnect()


async def test_a_page_that_asks_for_a_gap_gets_what_it_lacks(open_socket):
    """Reliability F6."""
    history = History(await make_conversation("c"))
    for _ in range(3):
        await database_sync_to_async(history.say)()
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    await socket.receive_from(timeout=5)

    await socket.send_json_to({"type": "gap", "after": 1})
    found = frames_of(await socket.receive_from(timeout=5))

    assert [frame["seq"] for frame in found if frame["type"] == "row"] == [2, 3]
    assert found[0]["after"] == 1
    await socket.disconnect()
