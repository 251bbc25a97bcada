"""Agent typing: the one stream of a deployment that hears keystrokes and holds the sockets.

By its lease one gateway alone has it, so that no conversation ever has two typing sockets. Whoever
takes it over begins with nothing: the next keystroke opens what is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from django.conf import settings

from conversations.conf import genesys_config
from conversations.gateway import leases
from conversations.gateway.leases import Progress
from conversations.gateway.typing_sockets import TypingSockets
from conversations.live.database import read
from conversations.live.keystrokes import KeystrokeListener
from conversations.models import StreamState
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens

KIND, KEY = StreamState.Kind.TYPING.value, "agents"


class TypingStreams:
    """The kind of stream of which there is one: always wanted."""

    name, limit, in_all = KIND, 1, None
    lease_s, rest_s = leases.LEASE_S, 1.0

    def wanted(self) -> Sequence[str]:
        return (KEY,)

    def stream(self, key: str) -> TypingStream:
        return TypingStream()

    async def close(self) -> None:
        """Each stream has closed what was its own."""


class TypingStream:
    def __init__(self) -> None:
        config = genesys_config()
        self._http = HttpClient()
        self._sockets = TypingSockets(
            url=config.typing_socket_url,
            # Asked for a token now and then: no connection is kept for that.
            tokens=DatabaseTokens(config, self._http, read),
            limit=settings.TYPING_SOCKETS,
        )
        self._stopping = asyncio.Event()
        self._told = 0

    async def run(self) -> None:
        """Until `stop`; whoever types then is taken back on the platform."""
        listener = KeystrokeListener(self._heard)
        listening = asyncio.create_task(listener.run(), name="typing-listen")
        try:
            await self._stopping.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await self._sockets.close()
            await self._http.aclose()

    def stop(self) -> None:
        self._stopping.set()

    def progress(self) -> Progress:
        """`frames` are the indicators that were said."""
        said, self._told = self._sockets.said - self._told, self._sockets.said
        return Progress(
            state="refused" if self._sockets.refusal else "live",
            attempts=0,
            reason=self._words(),
            frames=said,
            malformed=0,
            ignored=0,
            last_frame_at=None,
            backfilled_at=None,
        )

    def _words(self) -> str:
        sockets = self._sockets
        if sockets.refusal:
            return sockets.refusal
        words = f"{sockets.open} of at most {settings.TYPING_SOCKETS} sockets open"
        if sockets.turned_away:
            words += f"; {sockets.turned_away} keystrokes found no room (TYPING_SOCKETS)"
        return words

    def _heard(self, typed: Sequence[tuple[str, str, float]]) -> None:
        now = asyncio.get_running_loop().time()
        for conversation_id, agent_id, age_s in typed:
            self._sockets.keystroke(conversation_id, agent_id, at=now - age_s)
