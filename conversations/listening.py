"""Hears the database's wake-ups on a connection of its own (PostgreSQL's LISTEN).

Best effort: what is missed while it reconnects is found by looking.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from django.db import connection

from conversations.models.notice import ANYBODY, CHANNEL, read

logger = logging.getLogger(__name__)

_AGAIN_S = 2.0
# Of Django's settings for a connection, those that are about the session and not about reaching it.
_NOT_OURS = {"context", "cursor_factory", "prepare_threshold"}


class Listener:
    """Calls `on_work` for each wake-up meant for `owner`, `on_hearing` as it comes and goes.

    `on_work` is given the conversations (keys) of `owner` that have work; none: look for yourself.
    """

    def __init__(
        self,
        owner: str,
        *,
        on_work: Callable[[list[int]], None],
        on_hearing: Callable[[bool], None],
    ) -> None:
        self._owner = owner
        self._on_work = on_work
        self._on_hearing = on_hearing

    async def run(self) -> None:
        """Until cancelled. Returns at once on a database that does not call."""
        if connection.vendor != "postgresql":
            return
        import psycopg

        while True:
            try:
                await self._listen(psycopg.AsyncConnection)
            except (psycopg.Error, OSError) as error:
                logger.info("not hearing the database (%s): looking instead", type(error).__name__)
            self._on_hearing(False)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self, kind: Any) -> None:
        heard = await kind.connect(**_parameters(), autocommit=True)
        async with heard:
            await heard.execute(f"LISTEN {CHANNEL}")
            self._on_hearing(True)
            self._on_work([])  # what came before we listened
            async for notice in heard.notifies():
                owner, conversations = read(notice.payload)
                if owner == self._owner:
                    self._on_work(conversations)
                elif owner == ANYBODY:
                    self._on_work([])


def _parameters() -> dict[str, Any]:
    found = connection.get_connection_params()
    return {name: value for name, value in found.items() if name not in _NOT_OURS}
