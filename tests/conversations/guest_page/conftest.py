"""The simulator's socket as config/asgi.py serves it, beside a simulated platform."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path

from conversations.guest_page.socket import PATH, PublicSimulator, simulator_socket
from conversations.live.origins import ExactOrigins
from tests.conversations.live.conftest import cookies_of
from tests.conversations.live.histories import a_user
from tests.simulators import simulator_environment

OURS = "http://testserver"
SHOP = "https://shop.example.org"


class Page:
    """A front end at its socket."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self._socket = socket
        self.frames: list[dict[str, Any]] = []
        self.largest = 0  # message, in bytes
        self.closed: int | None = None

    async def act(self, **action: Any) -> None:
        await self._socket.send_to(text_data=json.dumps(action))

    async def send(self, text: str | None = None, *, data: bytes | None = None) -> None:
        await self._socket.send_to(text_data=text, bytes_data=data)

    async def until(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The next frame that is wanted; whatever else comes is kept as well."""
        parts = ""
        while True:
            output = await self._socket.receive_output(timeout=8)
            if output["type"] == "websocket.close":
                self.closed = output["code"]
                raise AssertionError(f"closed with {self.closed}: {self.frames}")
            self.largest = max(self.largest, len(output["text"].encode()))
            frame = json.loads(output["text"])
            if frame.get("type") == "part":
                parts += frame["text"]
                if not frame["last"]:
                    continue
                frame, parts = json.loads(parts), ""
            self.frames.append(frame)
            if wanted(frame):
                return frame

    async def of(self, kind: str, **fields: Any) -> dict[str, Any]:
        return await self.until(
            lambda frame: frame.get("type") == kind and fields.items() <= frame.items()
        )

    async def error(self) -> dict[str, Any]:
        return await self.until(lambda frame: "error" in frame)

    async def close_code(self) -> int | None:
        with pytest.raises(AssertionError):
            await self.until(lambda frame: False)
        return self.closed


@pytest.fixture
async def open_page(simulator: Any, settings: Any) -> AsyncIterator[Callable[..., Any]]:
    """`await open_page("sam")` as a user, or with `origin` and nobody logged in."""
    settings.SIMULATOR_PAGE = True
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    for name, value in simulator_environment(simulator.base_url).items():
        if name.startswith("GENESYS"):
            setattr(settings, name, value)
    routes = URLRouter([path(PATH.lstrip("/"), simulator_socket)])
    application = PublicSimulator(ExactOrigins(AuthMiddlewareStack(routes), [OURS]))
    opened: list[WebsocketCommunicator] = []

    async def open_(user: Any = None, *, origin: str = OURS) -> Page | None:
        headers = [(b"origin", origin.encode())]
        if user is not None:
            headers.append((b"cookie", (await database_sync_to_async(cookies_of)(user)).encode()))
        socket = WebsocketCommunicator(application, PATH, headers=headers)
        is_accepted, _ = await socket.connect(timeout=5)
        opened.append(socket)
        return Page(socket) if is_accepted else None

    yield open_
    for socket in opened:
        await socket.disconnect()


@pytest.fixture
def make_user() -> Callable[..., Any]:
    return database_sync_to_async(a_user)
