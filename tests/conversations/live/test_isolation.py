"""What one socket suffers, no other one notices."""

from __future__ import annotations

import asyncio
import threading

import pytest
from channels.db import database_sync_to_async

from conversations.live import database, tailer
from conversations.live.tailer import Tailer
from tests.conversations.live.histories import a_conversation, a_user
from tests.conversations.live.pages import frames_of

pytestmark = pytest.mark.django_db(transaction=True)

make_user = database_sync_to_async(a_user)
make_conversation = database_sync_to_async(a_conversation)


async def first_of(socket) -> str | int:
    """The type of the first frame, or the code with which it is closed."""
    output = await socket.receive_output(timeout=15)
    if output["type"] == "websocket.close":
        return output["code"]
    return frames_of(output["text"])[0]["type"]


async def test_an_error_closes_its_own_socket_alone(open_socket, monkeypatch, caplog):
    """Reliability F7: said once, and nothing stays behind."""
    user = await make_user("sam", "supervisor")
    broken = await make_conversation("broken")
    await make_conversation("c")
    honest = Tailer.watch

    async def fails_for_one(self, member, *, after=None):
        if member.claim.conversation == broken.pk:
            raise ValueError("a defect")
        await honest(self, member, after=after)

    monkeypatch.setattr(Tailer, "watch", fails_for_one)

    good = await open_socket("/ws/live/c/", user)
    bad = await open_socket("/ws/live/broken/", user)

    assert await first_of(bad) == 4500
    assert await first_of(good) == "snapshot"
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == [
        "Live page: a socket failed and is closed."
    ]
    for socket in (bad, good):
        await socket.disconnect()
    assert tailer.tailer().sockets == 0


async def test_a_slow_query_holds_up_no_other_socket(open_socket):
    """Reliability F11: with one thread for all sockets this would take as long as the query."""
    user = await make_user("sam", "supervisor")
    await make_conversation("c")
    socket = await open_socket("/ws/live/c/", user)
    assert await first_of(socket) == "snapshot"
    done = threading.Event()
    slow = [asyncio.create_task(database.read(done.wait, 60)) for _ in range(2)]

    await socket.send_json_to({"type": "gap", "after": 0})
    assert await first_of(socket) == "conversation"

    assert not any(one.done() for one in slow)
    done.set()
    await asyncio.gather(*slow)
    await socket.disconnect()


async def test_more_pages_than_the_database_can_answer_are_sent_away(open_socket, monkeypatch):
    """Reliability F12: a code that says so, and no page hangs."""
    monkeypatch.setattr(database, "MAX_WAITING", 4)
    user = await make_user("sam", "supervisor")
    for number in range(30):
        await make_conversation(f"c-{number}")
    paths = [f"/ws/live/c-{number}/" for number in range(30)]

    free = threading.Event()
    busy = [asyncio.create_task(database.read(free.wait, 60)) for _ in range(4)]
    sockets = await asyncio.gather(*(open_socket(path, user) for path in paths))
    firsts = [asyncio.create_task(first_of(socket)) for socket in sockets]
    await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)  # one is sent away
    free.set()
    firsts = await asyncio.gather(*firsts)
    await asyncio.gather(*busy)

    assert 4513 in firsts
    assert set(firsts) <= {4513, "snapshot"}
    for socket in sockets:
        await socket.disconnect()
