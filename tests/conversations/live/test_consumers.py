"""The pages' sockets: who gets in, what they get, and when they are turned out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from conversations.live import doorbell, reading, tailer
from conversations.live.keystrokes import KeystrokeListener
from conversations.models import Conversation
from conversations.signals import keystrokes_reported
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.conversations.live.pages import Page, frames_of

pytestmark = pytest.mark.django_db(transaction=True)

make_user = database_sync_to_async(a_user)
make_conversation = database_sync_to_async(a_conversation)


async def close_code(socket) -> int:
    while True:
        output = await socket.receive_output(timeout=8)
        if output["type"] == "websocket.close":
            return output["code"]


async def next_frame(socket, kind: str) -> dict:
    """The first of its kind; what comes with it in one message is dropped."""
    while True:
        for frame in frames_of(await socket.receive_from(timeout=8)):
            if frame["type"] == kind:
                return frame


# Per role: the page of the wall, one's own conversation, another's; then the same by socket.
DOORS = [
    ("", "agent-1", (302, 302, 302), (4401, 4401, 4401)),
    ("agent", "agent-1", (200, 200, 404), (0, 0, 4404)),
    ("agent", "", (200, 404, 404), (0, 4404, 4404)),
    ("supervisor", "", (200, 200, 200), (0, 0, 0)),
    ("admin", "", (200, 200, 200), (0, 0, 0)),
    ("compliance", "", (403, 403, 403), (4403, 4403, 4403)),
]


@pytest.mark.parametrize(("group", "agent_id", "pages", "sockets"), DOORS)
async def test_both_doors_have_the_same_rule(open_socket, group, agent_id, pages, sockets):
    await make_conversation("own", agent_id="agent-1")
    await make_conversation("foreign", agent_id="agent-2")
    user = await make_user("somebody", group, agent_id=agent_id) if group else None

    @database_sync_to_async
    def answers() -> tuple[int, ...]:
        client = Client()
        if user:
            client.force_login(user)
        addresses = ("/live/", "/live/own/", "/live/foreign/")
        return tuple(client.get(address).status_code for address in addresses)

    codes = []
    for path in ("/ws/live/", "/ws/live/own/", "/ws/live/foreign/"):
        socket = await open_socket(path, user)
        output = await socket.receive_output(timeout=5)
        codes.append(output.get("code", 0))
        await socket.disconnect()

    assert await answers() == pages
    assert tuple(codes) == sockets


async def test_a_foreign_conversation_answers_as_a_missing_one(open_socket):
    await make_conversation("foreign", agent_id="agent-2")
    user = await make_user("alice", "agent", agent_id="agent-1")

    codes = [
        await close_code(await open_socket(f"/ws/live/{name}/", user))
        for name in ("foreign", "missing")
    ]

    assert codes == [4404, 4404]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://testserver:9999", "https://testserver", ""]
)
async def test_another_origin_is_refused(open_socket, origin):
    user = await make_user("sam", "supervisor")

    socket = await open_socket("/ws/live/", user, origin=origin)

    assert not socket.is_accepted


async def test_a_page_gets_a_snapshot_and_then_what_happens(open_socket):
    conversation = await make_conversation("c")
    history = History(conversation)
    message = await database_sync_to_async(history.say)()
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    page = Page()
    page.receive(json.dumps(await next_frame(socket, "snapshot")))

    await database_sync_to_async(history.translate)(message)
    doorbell.ring([(conversation.pk, conversation.seq)])
    page.receive(json.dumps(await next_frame(socket, "row")))

    assert page.rows[message.pk]["translated"]["text"] == "Hello"
    assert page.seq == conversation.seq
    await socket.disconnect()


async def test_what_no_doorbell_announced_arrives_all_the_same(open_socket, monkeypatch):
    """Reliability F3: every bell lost."""
    monkeypatch.setattr(reading, "POLL_S", 0.1)
    history = History(await make_conversation("c"))
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    await next_frame(socket, "snapshot")

    await database_sync_to_async(history.say)()

    assert (await next_frame(socket, "row"))["row"]["origin"] == "guest"
    await socket.disconnect()


async def test_a_page_that_comes_back_gets_only_what_it_missed(open_socket):
    """Reliability F5."""
    history = History(await make_conversation("c"))
    await database_sync_to_async(history.say)()
    known = history.conversation.seq
    await database_sync_to_async(history.say)("agent")

    user = await make_user("sam", "supervisor")
    socket = await open_socket(f"/ws/live/c/?after={known}", user)
    frames = frames_of(await socket.receive_from(timeout=5))

    assert [frame["type"] for frame in frames] == ["row", "conversation"]
    assert frames[0]["row"]["origin"] == "agent"
    await socket.disconnect()


async def test_heartbeats_say_how_far_the_journal_was_read(open_socket, monkeypatch):
    monkeypatch.setattr(tailer, "HEARTBEAT_S", 0.2)
    history = History(await make_conversation("c"))
    await database_sync_to_async(history.say)()

    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    heard = (await next_frame(socket, "heartbeat"))["seq"]

    # That sam looked is the newest entry.
    await database_sync_to_async(history.conversation.refresh_from_db)()
    assert heard == history.conversation.seq == 2
    await socket.disconnect()


async def test_the_wall_gets_cards_as_they_change(open_socket):
    history = History(await make_conversation("c"))
    socket = await open_socket("/ws/live/", await make_user("sam", "supervisor"))
    snapshot = await next_frame(socket, "snapshot")

    await database_sync_to_async(history.say)("guest", "¿Hola?")
    doorbell.ring([(history.conversation.pk, history.conversation.seq)])
    cards = await next_frame(socket, "cards")

    assert [card["id"] for card in snapshot["conversations"]] == ["c"]
    assert cards["cards"][0]["last"]["text"] == "¿Hola?"
    await socket.disconnect()


async def test_an_agents_wall_shows_their_own_conversations_alone(open_socket):
    await make_conversation("own", agent_id="agent-1")
    await make_conversation("foreign", agent_id="agent-2")

    socket = await open_socket("/ws/live/", await make_user("alice", "agent", agent_id="agent-1"))
    snapshot = await next_frame(socket, "snapshot")

    assert [card["id"] for card in snapshot["conversations"]] == ["own"]
    await socket.disconnect()


async def test_a_page_says_nothing_but_acknowledgements(open_socket):
    await make_conversation("c")
    user = await make_user("sam", "supervisor")
    codes = []
    for text in ("[]", "no json", '{"type":"shout"}', '{"type":"ack","n":true}', "[" * 4000):
        socket = await open_socket("/ws/live/c/", user)
        await socket.send_to(text_data=text)
        codes.append(await close_code(socket))

    assert codes == [4400] * 5


async def test_acknowledging_what_was_never_sent_closes_the_socket(open_socket):
    await make_conversation("c")
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))

    await socket.send_json_to({"type": "ack", "n": 1000})

    assert await close_code(socket) == 4400


@database_sync_to_async
def log_out(user) -> None:
    Session.objects.all().delete()


@database_sync_to_async
def lose_the_role(user) -> None:
    user.groups.clear()


@database_sync_to_async
def be_deactivated(user) -> None:
    type(user).objects.filter(pk=user.pk).update(is_active=False)


@database_sync_to_async
def change_the_password(user) -> None:
    user.set_password("another-pass-phrase")
    user.save()


@database_sync_to_async
def lose_the_conversation(user) -> None:
    Conversation.objects.update(agent_id="agent-2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (log_out, 4401),
        (be_deactivated, 4401),
        (change_the_password, 4401),
        (lose_the_role, 4403),
        (lose_the_conversation, 4403),
    ],
)
async def test_who_may_no_longer_watch_is_turned_out(open_socket, monkeypatch, change, code):
    """Reliability F8."""
    monkeypatch.setattr(tailer, "RIGHTS_S", 0.1)
    await make_conversation("c", agent_id="agent-1")
    user = await make_user("alice", "agent", agent_id="agent-1")
    socket = await open_socket("/ws/live/c/", user)
    await next_frame(socket, "snapshot")

    await change(user)

    assert await close_code(socket) == code


async def test_nothing_runs_on_when_the_last_page_has_left(open_socket):
    await make_conversation("c")
    socket = await open_socket("/ws/live/c/", await make_user("sam", "supervisor"))
    await next_frame(socket, "snapshot")

    await socket.disconnect()

    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith("live-")}
    assert tailer.tailer().sockets == 0


@pytest.fixture
def reports() -> Iterator[list[dict]]:
    heard: list[dict] = []

    def note(sender, signal, **report) -> None:
        heard.append(report)

    keystrokes_reported.connect(note)
    yield heard
    keystrokes_reported.disconnect(note)


async def test_an_agents_keystrokes_are_reported_by_count_and_time(open_socket, reports):
    conversation = await make_conversation("own", agent_id="agent-1")
    user = await make_user("alice", "agent", agent_id="agent-1")
    socket = await open_socket("/ws/live/own/", user)
    await next_frame(socket, "snapshot")
    typed = asyncio.Queue()
    listener = KeystrokeListener(typed.put_nowait)
    listening = asyncio.create_task(listener.run())

    try:
        async with asyncio.timeout(8):
            while typed.empty():  # until the group has its member
                await socket.send_to('{"type":"keys","n":7,"ms":250}')
                await asyncio.sleep(0.1)
        ((name, agent, age_s),) = typed.get_nowait()
    finally:
        listening.cancel()
        await socket.disconnect()

    assert (name, agent) == ("own", "agent-1")
    assert 0.25 <= age_s < 2
    report = reports[0]
    assert (report["conversation_id"], report["agent_id"], report["count"]) == (
        conversation.pk, "agent-1", 7,
    )  # fmt: skip
    assert 0.25 <= (timezone.now() - report["at"]).total_seconds() < 9


async def test_counting_is_switched_off_by_a_setting_and_the_indicator_is_not(
    open_socket, reports, settings, monkeypatch
):
    settings.COUNT_KEYSTROKES = False
    told = []
    monkeypatch.setattr(doorbell, "keystroke", lambda *args, **more: told.append(args))
    await make_conversation("own", agent_id="agent-1")
    socket = await open_socket("/ws/live/own/", await make_user("a", "agent", agent_id="agent-1"))
    await next_frame(socket, "snapshot")

    await socket.send_to('{"type":"keys","n":1,"ms":0}')
    await socket.send_to('{"type":"gap","after":0}')
    await socket.receive_from(timeout=8)
    await socket.disconnect()

    assert (told, reports) == ([("own", "agent-1")], [])


@pytest.mark.parametrize(
    "said",
    [
        '{"type":"keys"}', '{"type":"keys","n":1}', '{"type":"keys","n":0,"ms":0}',
        '{"type":"keys","n":501,"ms":0}', '{"type":"keys","n":1,"ms":60001}',
        '{"type":"keys","n":1,"ms":-1}', '{"type":"keys","n":true,"ms":0}',
        '{"type":"keys","n":1.5,"ms":0}', '{"type":"keys","n":"1","ms":0}',
    ],
)  # fmt: skip
async def test_a_report_that_no_page_sends_closes_the_socket(open_socket, reports, said):
    await make_conversation("own", agent_id="agent-1")
    socket = await open_socket("/ws/live/own/", await make_user("a", "agent", agent_id="agent-1"))
    await next_frame(socket, "snapshot")

    await socket.send_to(said)

    assert await close_code(socket) == 4400
    assert reports == []


@pytest.mark.parametrize("path", ["/ws/live/own/", "/ws/live/"])
async def test_who_only_watches_does_not_type(open_socket, reports, path):
    await make_conversation("own", agent_id="agent-1")
    socket = await open_socket(path, await make_user("sam", "supervisor"))
    await next_frame(socket, "snapshot")

    await socket.send_to('{"type":"keys","n":1,"ms":0}')

    assert await close_code(socket) == (4403 if path.endswith("own/") else 4400)
    assert reports == []


async def test_who_has_handed_the_conversation_over_and_still_watches_types_no_more(
    open_socket, monkeypatch, reports
):
    monkeypatch.setattr(tailer, "RIGHTS_S", 0.1)
    await make_conversation("own", agent_id="agent-1")
    user = await make_user("alice", "supervisor", agent_id="agent-1")
    await database_sync_to_async(user.groups.add)(await agents())
    socket = await open_socket("/ws/live/own/", user)
    await next_frame(socket, "snapshot")

    await database_sync_to_async(Conversation.objects.update)(agent_id="agent-2")

    assert await close_code(socket) == 4409  # the page opens it again, without that right
    again = await open_socket("/ws/live/own/", user)
    await next_frame(again, "snapshot")
    await again.send_to('{"type":"keys","n":1,"ms":0}')  # its reply box is still there
    await again.send_to("and this no page sends")
    assert await close_code(again) == 4400
    assert reports == []


@database_sync_to_async
def agents() -> Group:
    return Group.objects.get_or_create(name="agent")[0]
