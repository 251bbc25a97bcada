"""Around the pages' sockets: while the database cannot be used they close with 4503.

Sessions are read before a consumer is there; without this each try is a traceback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from conversations import outages
from conversations.live.frames import AWAY

Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Send], Awaitable[None]]


class CloseDuringOutage:
    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        is_accepted = False

        async def send_and_note(message: dict[str, Any]) -> None:
            nonlocal is_accepted
            is_accepted = is_accepted or message["type"] == "websocket.accept"
            await send(message)

        try:
            await self._application(scope, receive, send_and_note)
        except Exception as error:
            if outages.tell(error) is None:
                raise
            if not is_accepted:  # a browser learns a close code only from an open socket
                await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": AWAY})
