"""An HTTP server on a spare port that gives the answers it is told to, and notes what came."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0  # seconds between bytes
    zeros: int = 0  # bytes sent after the body
    cut: bool = False  # says it sends more than it does


@dataclass(slots=True)
class Seen:
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.seen: list[Seen] = []
        self.sent_bytes = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v2/translate"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(Seen(dict(request.headers), await request.read()))
        reply = self.replies.pop(0)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        if reply.cut:
            response.content_length = len(reply.body) + 1000
        await response.prepare(request)
        try:
            await self._send(response, reply)
        except (ConnectionError, OSError):
            return response  # the client has had enough
        if reply.cut and request.transport is not None:
            request.transport.close()
        return response

    async def _send(self, response: web.StreamResponse, reply: Reply) -> None:
        if not reply.drip_s:
            await response.write(reply.body)
        for byte in reply.body if reply.drip_s else b"":
            await response.write(bytes([byte]))
            await asyncio.sleep(reply.drip_s)
        left, chunk = reply.zeros, b" " * 65536
        while left > 0:
            await response.write(chunk)
            left -= len(chunk)
            self.sent_bytes += len(chunk)
