"""The gateway: a keeper for each kind of stream, side by side until the process is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from conversations.gateway.keeper import Keeper
from conversations.gateway.kinds import StreamKind, stream_kinds
from conversations.processes import process_name


class Supervisor:
    """`kinds`: those of the settings, if none are given."""

    def __init__(
        self, kinds: Sequence[StreamKind] | None = None, *, owner: str | None = None
    ) -> None:
        self._stopping = asyncio.Event()
        self._owner = owner or process_name()
        self._kinds = stream_kinds() if kinds is None else kinds

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Not one TaskGroup: a keeper that ended would take the others with it."""
        keepers = [Keeper(kind, owner=self._owner, stopping=self._stopping) for kind in self._kinds]
        tasks = [
            asyncio.create_task(keeper.run(), name=f"keeper:{kind.name}")
            for keeper, kind in zip(keepers, self._kinds, strict=True)
        ]
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
