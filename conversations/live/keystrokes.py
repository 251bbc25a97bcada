"""From a page to the gateway that holds the typing sockets: who types where, at most once.

Over the channel layer alone, in a group of its own that pages do not hear. The in-memory layer
belongs to the loop of the web server, as the doorbell's does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from conversations.live import doorbell
from conversations.live.listening import Listener

LOOK_S = 0.5  # for the web server's loop, which begins with its first page

# Conversation and agent as the platform names them, and how many seconds ago it was.
Typed = tuple[str, str, float]


class KeystrokeListener:
    """Hands what agents type to `heard`, on the loop that runs it."""

    def __init__(self, heard: Callable[[Sequence[Typed]], None]) -> None:
        self._heard = heard

    async def run(self) -> None:
        """Listens until cancelled."""
        if not isinstance(get_channel_layer(), InMemoryChannelLayer):
            await Listener(self._take, group=doorbell.TYPED_GROUP).run()
            return
        while True:
            home = doorbell.home()
            if home is not None and not home.is_closed():
                await self._listen_on(home)
            await asyncio.sleep(LOOK_S)

    async def _listen_on(self, home: asyncio.AbstractEventLoop) -> None:
        """On the layer's own loop: a message that crosses loops arrives up to a second late."""
        here = asyncio.get_running_loop()

        def take(message: dict[str, Any]) -> None:
            here.call_soon_threadsafe(self._take, message)

        listening = asyncio.run_coroutine_threadsafe(
            Listener(take, group=doorbell.TYPED_GROUP).run(), home
        )
        try:
            while doorbell.home() is home and not home.is_closed():  # noqa: ASYNC110 - says no end
                await asyncio.sleep(LOOK_S)
        finally:
            with suppress(RuntimeError):  # that loop has ended
                listening.cancel()

    def _take(self, message: dict[str, Any]) -> None:
        self._heard([(conversation, agent, age) for conversation, agent, age in message["typed"]])
