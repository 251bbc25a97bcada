"""The simulator's own endpoints for calls, under /_sim/calls; loopback peers only."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.control import loopback_only
from conversations.simulator.dispositions import answer

if TYPE_CHECKING:
    from conversations.simulator.calls.board import Calls


class CallControl:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def application(self) -> web.Application:
        application = web.Application(middlewares=[loopback_only], client_max_size=4 << 20)
        application.add_routes(
            [
                web.get("", self.calls),
                web.post("/say", self.say),
                web.post("/frame", self.frame),
                web.post("/end", self.end),
            ]
        )
        return application

    async def calls(self, request: web.Request) -> web.Response:
        return answer({"calls": self._calls.interactions()})

    async def say(self, request: web.Request) -> web.Response:
        """{"interactionId", "text", "final", "confidence", "latency_ms", "mediaType"}"""
        data = await _body(request)
        media_at = data.get("mediaTimestamp")
        frame = self._calls.say(
            str(data["interactionId"]),
            str(data["text"]),
            final=bool(data.get("final", True)),
            confidence=data.get("confidence", 0.93),
            latency_ms=float(data.get("latency_ms", 0)),
            media_at=datetime.fromisoformat(media_at) if media_at else None,
            media_type=data.get("mediaType", "audio/ulaw"),
        )
        return answer({"frame": frame})

    async def frame(self, request: web.Request) -> web.Response:
        """{"interactionId", "text"}: sent as it is."""
        data = await _body(request)
        return answer(
            {"sockets": self._calls.send_raw(str(data["interactionId"]), str(data["text"]))}
        )

    async def end(self, request: web.Request) -> web.Response:
        data = await _body(request)
        ended = self._calls.hang_up(data.get("interactionId"), code=int(data.get("code", 1000)))
        return answer({"ended": ended})


async def _body(request: web.Request) -> dict[str, Any]:
    data = json.loads(await request.read())
    if not isinstance(data, dict):
        raise ValueError("a JSON object is wanted")
    return data
