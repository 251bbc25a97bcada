"""A large answer goes no faster than its reader takes it.

Daphne writes whatever it is given into a buffer without an end (reliability F15): a download that
nobody reads would come to lie in the web process's memory, whole. And it ends every answer after
`--http-timeout`, also one that is being read. Twisted, below it, does say when a connection has
room; here an answer in pieces asks for that before each piece.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


class BackPressure:
    """Around the HTTP application; only answers in several pieces are held back."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        request = _twisted_request(send)
        if request is None:
            await self._application(scope, receive, send)
            return
        flow = _Flow(request)
        try:
            await self._application(scope, receive, partial(_paced, send, flow))
        finally:
            flow.end()


async def _paced(send: Send, flow: _Flow, message: Message) -> None:
    if message["type"] != "http.response.body":
        await send(message)
        return
    is_last = not message.get("more_body", False)
    if is_last:
        flow.end()
    await send(message)
    if not is_last:
        await flow.room()


class _Flow:
    """Twisted's push producer: told when to pause, when to go on, when the reader has gone."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_registered = False

    async def room(self) -> None:
        if not self._is_registered and self._request.channel is not None:
            self._is_registered = True
            self._request.registerProducer(self, True)
        await self._has_room.wait()
        # Counted from the last progress: who does not read any more is still ended.
        self._request.request_start = time.time()

    def end(self) -> None:
        if self._is_registered:
            self._is_registered = False
            self._request.unregisterProducer()

    def pauseProducing(self) -> None:  # noqa: N802
        self._has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._has_room.set()

    def stopProducing(self) -> None:  # noqa: N802
        """The reader has gone: what is still sent goes nowhere, and the view is cancelled."""
        self._has_room.set()


def _twisted_request(send: Any) -> Any | None:
    """Daphne hands out its own method with the request bound to it; any other server has its own
    way to hold an answer back."""
    bound = getattr(send, "args", ())
    return bound[0] if bound and hasattr(bound[0], "registerProducer") else None
