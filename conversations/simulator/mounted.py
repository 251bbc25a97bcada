"""An ASGI application's sockets on the simulator's own port: what it is, is not known here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientError, WSMsgType, web

from conversations.simulator.dispositions import answer

MAX_FRAME = 2 << 20
Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mounted(application: Application) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return answer({"error": "a WebSocket is wanted here"}, status=426)
        return await _Mounted(request).run(application)

    return handle


class _Mounted:
    """One socket between aiohttp and ASGI."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._ws = web.WebSocketResponse(max_msg_size=MAX_FRAME, compress=False)
        self._is_accepted = self._is_told = False

    async def run(self, application: Application) -> web.StreamResponse:
        transport = self._request.transport
        scope = {
            "type": "websocket",
            "path": self._request.path,
            "headers": [(key.lower(), value) for key, value in self._request.raw_headers],
            "server": transport.get_extra_info("sockname")[:2] if transport else None,
        }
        await application(scope, self._receive, self._send)
        if not self._is_accepted:
            return answer({"error": "this origin may not connect"}, status=403)
        await self._ws.close()
        return self._ws

    async def _receive(self) -> Message:
        if not self._is_told:
            self._is_told = True
            return {"type": "websocket.connect"}
        while True:
            message = await self._ws.receive()
            if message.type is WSMsgType.TEXT:
                return {"type": "websocket.receive", "text": message.data}
            if message.type is WSMsgType.BINARY:
                return {"type": "websocket.receive", "bytes": message.data}
            if self._ws.closed:
                return {"type": "websocket.disconnect", "code": self._ws.close_code}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            await self._ws.prepare(self._request)
            self._is_accepted = True
        elif kind == "websocket.close" and self._is_accepted:
            await self._ws.close(code=message.get("code", 1000))
        elif kind == "websocket.send" and not self._ws.closed:
            try:
                await self._ws.send_str(message["text"])
            except (ClientError, ConnectionError):
                return  # the reader is told that it is closed
