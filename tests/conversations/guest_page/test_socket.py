"""The simulator's socket: who gets in, what a front end may do, what is answered to nonsense."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import pytest

from conversations.guest_page import socket as module
from tests.conversations.guest_page.conftest import SHOP

pytestmark = pytest.mark.django_db(transaction=True)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)


@pytest.mark.parametrize(
    ("group", "code"),
    [(None, 4401), ("", 4403), ("compliance", 4403), ("agent", 0), ("supervisor", 0), ("admin", 0)],
)
async def test_those_with_the_role_get_in(open_page, make_user, group: str | None, code: int):
    page = await open_page(None if group is None else await make_user("somebody", group))

    if code:
        assert await page.close_code() == code
    else:
        ready = await page.of("ready")
        assert ready["staff"]
        assert len(ready["scripts"]) == 7


async def test_where_it_is_switched_off_nobody_gets_in(open_page, make_user, settings):
    settings.SIMULATOR_PAGE = False

    page = await open_page(await make_user("sam", "supervisor"))

    assert await page.close_code() == 4404


async def test_whoever_loses_the_role_is_turned_out(open_page, make_user, monkeypatch):
    monkeypatch.setattr(module, "RIGHTS_S", 0.05)
    user = await make_user("sam", "supervisor")
    page = await open_page(user)
    await page.of("ready")

    await user.groups.aclear()

    assert await page.close_code() == 4403


async def test_a_full_process_says_that_it_is_busy(open_page, make_user, monkeypatch):
    monkeypatch.setattr(module, "MAX_PAGES", 0)

    page = await open_page(await make_user("sam", "supervisor"))

    assert await page.close_code() == 4513


async def test_a_guest_chats_and_the_agents_answer_comes_back(open_page, make_user, simulator):
    page = await open_page(await make_user("sam", "supervisor"))
    await page.act(action="connect", name="Ana", email="ana@example.org", metadata={})
    await page.act(action="send", text="Hola", ref="r1")
    own = await page.of("message", ref="r1")
    await page.act(action="reply", text="Hello")
    answer = await page.of("message", sender="agent")

    assert (own["text"], own["own"], own["sequenceId"]) == ("Hola", True, "msg-1")
    assert answer["text"] == "Hello"
    [conversation] = simulator.world.conversations.values()
    assert conversation.agent["id"] == "agent-1"


# Front ends without a login


async def test_a_listed_front_end_is_a_guest_without_a_login(open_page, settings, simulator):
    settings.SIMULATOR_PUBLIC, settings.SIMULATOR_ORIGINS = True, [SHOP]
    page = await open_page(origin=SHOP)

    assert await page.of("ready") == {"type": "ready", "staff": False, "scripts": None}
    await page.act(action="send", text="Hola")
    assert (await page.of("message"))["own"]
    buffer = base64.b64encode(PNG).decode()
    await page.act(action="context", data={"uiState": "checkout"})
    await page.act(action="typing", state="active")
    await page.act(action="upload", filename="a.exe", contentType="image/png", buffer=buffer)
    assert (await page.error())["field"] == "file"


@pytest.mark.parametrize(
    "action",
    [
        {"action": "reply", "text": "I am the agent"},
        {"action": "typing", "state": "active", "side": "agent"},
        {"action": "seen"},
        {"action": "fault", "name": "outage", "on": True},
        {"action": "play", "script": "hotel-es"},
    ],
    ids=lambda action: action["action"],
)
async def test_it_acts_on_nobody_but_itself(open_page, settings, simulator, action):
    settings.SIMULATOR_PUBLIC, settings.SIMULATOR_ORIGINS = True, [SHOP]
    page = await open_page(origin=SHOP)
    await page.act(action="connect", name="Ana", email="ana@example.org")
    await page.of("state", state="live")

    await page.act(**action)

    assert "logged in" in (await page.error())["error"]
    assert simulator.world.faults.rules == []
    assert all(not one.messages for one in simulator.world.conversations.values())


@pytest.mark.parametrize(
    ("public", "listed", "origin"),
    [
        (False, [SHOP], SHOP),
        (True, [], SHOP),
        (True, [SHOP], "https://shop.example.org:444"),
        (True, [SHOP], "http://shop.example.org"),
        (True, [SHOP], "https://evil.example"),
        (True, [SHOP], ""),
    ],
)
async def test_any_other_front_end_is_refused(open_page, settings, public, listed, origin):
    settings.SIMULATOR_PUBLIC, settings.SIMULATOR_ORIGINS = public, listed

    assert await open_page(origin=origin) is None


async def test_front_ends_without_a_login_leave_room_for_users(
    open_page, make_user, settings, monkeypatch
):
    monkeypatch.setattr(module, "MAX_PUBLIC", 0)
    settings.SIMULATOR_PUBLIC, settings.SIMULATOR_ORIGINS = True, [SHOP]

    assert await (await open_page(origin=SHOP)).close_code() == 4513
    await (await open_page(await make_user("sam", "supervisor"))).of("ready")


# Bad input


async def test_nonsense_is_answered_and_the_chat_goes_on(open_page, make_user):
    page = await open_page(await make_user("sam", "supervisor"))
    await page.act(action="connect", name="Ana", email="ana@example.org")
    await page.of("state", state="live")

    answers = []
    for text, data in [
        ("nonsense", None),
        ("[]", None),
        (None, b"\x00\x01"),
        ('{"action": "erase"}', None),
        ('{"action": "send", "text": "' + "a" * 4097 + '"}', None),
        ('{"action": "send", "text": " "}', None),
        ('{"action": "context", "data": {"blob": "' + "x" * 40_000 + '"}}', None),
        ('{"action": "context", "data": "' + "x" * 1_048_576 + '"}', None),
        ('{"action": "upload", "filename": "a.png", "buffer": "no base64"}', None),
        ('{"action": "upload", "uploadId": "forged"}', None),
    ]:
        await page.send(text, data=data)
        answers.append((await page.error())["field"])
    await page.act(action="send", text="Hola", ref="r1")
    await page.of("message", ref="r1")

    assert answers == [
        "action", "action", "action", "action", "text", "text", "context", "action", "file", "file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.png", b"<!doctype html><script>alert(1)</script>"),
        ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("../../etc/passwd.png", PNG),
        ("a\u202egnp.exe", PNG),
        ("", PNG),
        ("x.png", b""),
    ],
    ids=["html", "svg", "path", "override", "nameless", "empty"],
)
async def test_a_file_that_is_not_what_it_says_is_refused(
    open_page, make_user, simulator, name: str, content: bytes
):
    page = await open_page(await make_user("sam", "supervisor"))
    buffer = base64.b64encode(content).decode()

    await page.act(action="upload", filename=name, contentType="image/png", buffer=buffer, ref="f")

    refused = await page.error()
    assert (refused["field"], refused["ref"]) == ("file", "f")
    assert all(not one.messages for one in simulator.world.conversations.values())


async def test_two_hundred_messages_at_once_are_queued_and_the_page_lives_on(
    open_page, make_user, simulator
):
    page = await open_page(await make_user("sam", "supervisor"))
    await page.act(action="connect", name="Ana", email="ana@example.org")
    await page.of("state", state="live")

    began = time.monotonic()
    for number in range(200):
        await page.act(action="send", text=f"line {number}", ref=f"r{number}")
    queued = await page.of("progressed", ref="r199")
    await page.of("message", ref="r9")

    assert (queued["state"], queued["reason"]) == ("queued", "")
    assert queued["waiting"] >= 189 - 10 * int(time.monotonic() - began)  # ten go in any second
    assert not any("error" in frame for frame in page.frames)


async def test_more_than_anybody_means_is_closed(open_page, make_user, monkeypatch):
    monkeypatch.setattr(module, "MESSAGE_BURST", 3.0)
    monkeypatch.setattr(module, "MESSAGES_PER_S", 0.0)
    page = await open_page(await make_user("sam", "supervisor"))

    for _ in range(4):
        await page.act(action="erase")

    assert await page.close_code() == 4429


async def test_a_large_answer_comes_in_pieces_that_the_web_server_lets_through(
    open_page, make_user, monkeypatch
):
    async def progress(_key: str, after: int) -> Any:
        return (
            {"seq": 1, "rows": [{"text": "語" * 4_000}] * 20, "counts": {}} if after < 0 else None
        )

    monkeypatch.setattr(module, "_progress", progress)
    page = await open_page(await make_user("sam", "supervisor"))
    await page.act(action="connect", name="Ana", email="ana@example.org")

    async with asyncio.timeout(8):
        frame = await page.of("progress")

    assert len(frame["rows"]) == 20
    assert page.largest <= 65_536
