"""What the live tests share: a channel layer of the process, and a way to open sockets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client

from conversations.live import database
from conversations.live.origins import ExactOrigins
from conversations.live.routing import websocket_urlpatterns

ORIGIN = "http://testserver"


@pytest.fixture
def layer(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


@pytest.fixture
def application() -> Any:
    """As config/asgi.py wraps it, with the tests' own origin."""
    routes = URLRouter(websocket_urlpatterns)
    return ExactOrigins(AuthMiddlewareStack(routes), [ORIGIN])


def cookies_of(user: Any) -> str:
    client = Client()
    client.force_login(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


@pytest.fixture
async def open_socket(application, layer):
    async def opened(path: str, user: Any = None, origin: str = ORIGIN) -> WebsocketCommunicator:
        headers = [(b"origin", origin.encode())]
        if user is not None:
            headers.append((b"cookie", (await database_sync_to_async(cookies_of)(user)).encode()))
        socket = WebsocketCommunicator(application, path, headers=headers)
        socket.is_accepted, _ = await socket.connect(timeout=5)
        return socket

    yield opened
    # Who left at once was being let in: that visit is written before the tables are emptied.
    idle = threading.Barrier(database.THREADS)
    loop = asyncio.get_running_loop()
    free = (loop.run_in_executor(database._executor, idle.wait, 10) for _ in range(idle.parties))
    await asyncio.gather(*free)
