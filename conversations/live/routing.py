"""Addresses of the pages' sockets."""

from typing import Any

from django.urls import path, re_path

from conversations.live import frames
from conversations.live.consumers import ConversationConsumer, WallConsumer

websocket_urlpatterns = [
    path("ws/live/", WallConsumer.as_asgi()),
    path("ws/live/<str:external_id>/", ConversationConsumer.as_asgi()),
]


async def _no_such_socket(scope: Any, receive: Any, send: Any) -> None:
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": frames.NOT_FOUND})


# Last of all routes: without it Channels raises, and any script fills the log with tracebacks.
nowhere = re_path(r"", _no_such_socket)  # type: ignore[arg-type]  # ASGI, as all routes here
