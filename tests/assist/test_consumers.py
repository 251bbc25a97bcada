"""The assist page's two doors, what its socket brings, and who holds the call's mark."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from channels.testing import WebsocketCommunicator
from django.utils import timezone

from assist.calls import Line
from assist.lines import show_line
from assist.models import AssistWatch
from assist.routing import websocket_urlpatterns
from conversations.live import doorbell
from conversations.models import Conversation
from tests.assist.histories import say, say_all
from tests.conversations.live.conftest import ORIGIN, cookies_of
from tests.conversations.live.histories import a_user

pytestmark = pytest.mark.django_db(transaction=True)

make_user = database_sync_to_async(a_user)
speak = database_sync_to_async(say)


@pytest.fixture
def open_socket(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    routes = URLRouter(websocket_urlpatterns)
    application = OriginValidator(AuthMiddlewareStack(routes), [ORIGIN])

    async def opened(path: str, user=None) -> WebsocketCommunicator:
        headers = [(b"origin", ORIGIN.encode())]
        if user is not None:
            headers.append((b"cookie", (await database_sync_to_async(cookies_of)(user)).encode()))
        socket = WebsocketCommunicator(application, path, headers=headers)
        await socket.connect(timeout=5)
        return socket

    yield opened
    channel_layers.backends.clear()


async def frame_of(socket, kind: str) -> dict:
    """The next frame of that kind; a message may hold several, so what is left is kept."""
    waiting = socket.__dict__.setdefault("waiting", [])
    while True:
        while waiting:
            frame = waiting.pop(0)
            if frame["type"] == kind:
                return frame
        text = await socket.receive_from(timeout=8)
        socket.__dict__.setdefault("received", []).append(text)
        said = json.loads(text)
        waiting += said if isinstance(said, list) else [said]


async def close_code(socket) -> int:
    while True:
        output = await socket.receive_output(timeout=8)
        if output["type"] == "websocket.close":
            return output["code"]


async def test_an_account_without_an_agent_has_no_call_of_its_own(open_socket) -> None:
    """Roles at both doors: tests/doors. Here: "" is nobody's, not everybody's."""
    await speak("call-1", "hello")
    user = await make_user("somebody", "agent")

    socket = await open_socket("/ws/assist/call-1/", user)

    assert await close_code(socket) == 4404
    await socket.disconnect()


async def test_an_agent_opens_the_unheard_call_that_is_listed_as_theirs(
    open_socket, settings
) -> None:
    settings.ASSIST_INTERACTIONS = ["soon=agent-1"]
    user = await make_user("somebody", "agent", agent_id="agent-1")

    socket = await open_socket("/ws/assist/soon/", user)

    await frame_of(socket, "snapshot")
    call = await Conversation.objects.aget(external_id="soon")
    assert (call.channel, call.agent_id) == ("voice", "agent-1")
    await socket.disconnect()


async def test_opening_the_page_marks_the_call_as_wanted_for_a_while(open_socket) -> None:
    user = await make_user("boss", "supervisor")

    socket = await open_socket("/ws/assist/call-9/", user)
    await frame_of(socket, "snapshot")

    mark = await AssistWatch.objects.aget(interaction_id="call-9")
    assert timedelta(0) < mark.wanted_until - timezone.now() <= timedelta(seconds=60)
    await socket.disconnect()


async def test_a_page_gets_lines_as_they_are_stored_and_late_ones_without_text(
    open_socket,
) -> None:
    await speak("call-1", "before")
    socket = await open_socket("/ws/assist/call-1/", await make_user("boss", "supervisor"))
    snapshot = await frame_of(socket, "snapshot")

    await speak("call-1", "prompt")
    await speak("call-1", "overdue", latency_ms=2000)
    prompt = await frame_of(socket, "row")
    late = await frame_of(socket, "row")
    figures = await frame_of(socket, "figures")

    assert [row["text"] for row in snapshot["rows"]] == ["before"]
    assert prompt["row"]["text"] == "prompt"
    assert (late["row"]["is_late"], late["row"]["text"]) == (True, None)
    assert figures["figures"]["late"] == 1
    await socket.disconnect()


async def test_a_page_that_applied_all_events_equals_a_fresh_one(open_socket) -> None:
    user = await make_user("boss", "supervisor")
    socket = await open_socket("/ws/assist/call-1/", user)
    await frame_of(socket, "snapshot")
    rows = {}
    for number in range(3):
        await speak("call-1", f"line {number}", latency_ms=500 * number)
    while len(rows) < 3:
        frame = await frame_of(socket, "row")
        rows[frame["row"]["id"]] = frame["row"]

    fresh = await open_socket("/ws/assist/call-1/", user)
    snapshot = await frame_of(fresh, "snapshot")

    assert list(rows.values()) == snapshot["rows"]
    await fresh.disconnect()
    await socket.disconnect()


async def test_a_growing_line_is_shown_and_kept_nowhere(open_socket) -> None:
    socket = await open_socket("/ws/assist/call-1/", await make_user("boss", "supervisor"))
    await frame_of(socket, "snapshot")
    doorbell.bind(asyncio.get_running_loop())

    show_line("call-1", Line("what was I", timezone.now(), 0.7))
    frame = await frame_of(socket, "line")

    assert (frame["text"], frame["confidence"]) == ("what was I", 0.7)
    await socket.disconnect()


async def test_a_page_says_how_the_stream_is(open_socket) -> None:
    socket = await open_socket("/ws/assist/call-1/", await make_user("boss", "supervisor"))

    snapshot = await frame_of(socket, "snapshot")

    assert snapshot["stream"]["state"] == "waiting"
    assert "no gateway" in snapshot["stream"]["reason"]
    await socket.disconnect()


async def test_a_long_call_begins_with_its_newest_lines(open_socket) -> None:
    """In parts that Daphne sends: it drops without a word what is larger than it takes in."""
    texts = [f"line {number} " + "of a long call " * 4 for number in range(450)]
    await database_sync_to_async(say_all)("call-1", texts)

    socket = await open_socket("/ws/assist/call-1/", await make_user("boss", "supervisor"))
    snapshot = await frame_of(socket, "snapshot")
    rows = snapshot["rows"]
    for _ in range(snapshot.get("parts", 1) - 1):
        rows += (await frame_of(socket, "rows"))["rows"]

    assert (len(rows), snapshot["older"]) == (400, 50)
    sizes = [len(json.dumps(row)) for row in rows]
    assert sum(sizes) > 65_536
    assert max(len(text) for text in socket.received) < 60_000
    assert [row["seq"] for row in rows] == list(range(51, 451))
    await socket.disconnect()
