"""The simulator's socket without a console, as `manage.py simulate` serves it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from conversations.guest_page.standalone import StandAlone
from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
SHOP = "https://shop.example.org"


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    config = SimulatorConfig(apertium=False)
    page = StandAlone(
        client_id=config.client_id, client_secret=config.client_secret, origins=[SHOP]
    )
    async with SimulatorServer(config, page_socket=page) as running:
        yield running


def opened(server: SimulatorServer, path: str = "/", *, origin: str | None = None) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}{path}", origin=origin, proxy=None)  # type: ignore[arg-type]


async def until(socket: ClientConnection, **fields: Any) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await socket.recv())
        if fields.items() <= frame.items() or ("error" in fields and "error" in frame):
            return frame


async def act(socket: ClientConnection, **action: Any) -> None:
    await socket.send(json.dumps(action))


@pytest.mark.parametrize("path", ["/", "/ws/simulator/"])
async def test_a_program_of_this_machine_chats_on_both_sides(server: SimulatorServer, path: str):
    async with opened(server, path) as socket:
        ready = await until(socket, type="ready")
        await act(socket, action="send", text="Hola", ref="r1")
        await until(socket, type="message", ref="r1")
        await act(socket, action="reply", text="Hello")
        answer = await until(socket, type="message", sender="agent")

    assert ready["staff"]
    assert answer["text"] == "Hello"
    [conversation] = server.world.conversations.values()
    assert [event["text"] for event in conversation.messages] == ["Hola", "Hello"]


async def test_a_file_goes_the_whole_way(server: SimulatorServer):
    buffer = base64.b64encode(PNG).decode()

    async with opened(server) as socket:
        await act(socket, action="upload", filename="a.png", contentType="image/png",
                  buffer=buffer, caption="mire", ref="f")  # fmt: skip
        said = await until(socket, type="message", ref="f")

    assert (said["text"], said["attachments"][0]["name"]) == ("mire", "a.png")


async def test_nonsense_is_answered(server: SimulatorServer):
    async with opened(server) as socket:
        await socket.send(b"\x00")
        binary = await until(socket, error="")
        await socket.send("nonsense")
        words = await until(socket, error="")

    assert (binary["field"], words["field"]) == ("action", "action")


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        (None, True),
        ("http://localhost:5173", True),
        ("http://127.0.0.1:3000", True),
        (SHOP, True),
        ("https://shop.example.org:444", False),
        ("http://evil.example:9000", False),
        ("http://localhost.evil.example", False),
        ("null", False),
    ],
)
async def test_pages_of_this_machine_and_listed_ones_may_come(
    server: SimulatorServer, origin: str | None, may: bool
):
    if may:
        async with opened(server, origin=origin) as socket:
            await until(socket, type="ready")
        return
    with pytest.raises(InvalidStatus) as refused:
        async with opened(server, origin=origin):
            pass
    assert refused.value.response.status_code == 403
