"""What pages of one conversation begin with: read once for all that ask at about the same time.

Pages of one conversation come back together when a web process ends; they share one read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conversations.live.database import read
from conversations.live.snapshots import Start, start

Read = Callable[[int, int | None], Start]

KEPT_S = 1.0
MAX_CURSORS = 4  # different ones read for at once; whoever comes with one more gets the snapshot


class Starts:
    """`after` None is the snapshot; `reader` makes them, if not `start`. Used on one event loop."""

    def __init__(self, pk: int, reader: Read | None = None) -> None:
        self._pk = pk
        self._reader = reader
        self._reads: dict[int | None, asyncio.Task[Start]] = {}
        self._kept: dict[int | None, Start] = {}

    async def get(self, after: int | None, *, at_least: int) -> Start:
        """What stands for the journal up to `at_least`, if that could be read."""
        if after not in self._reads and len(self._reads) >= MAX_CURSORS:
            after = None
        known = self._kept.get(after)
        if known is not None and known.seq >= at_least:
            return known
        task = self._reads.get(after)
        if task is None:
            task = asyncio.create_task(self._read(after), name="live-start")
            task.add_done_callback(_look_at)
            self._reads[after] = task
        return await asyncio.shield(task)  # one page that leaves does not end it for the others

    def forget(self) -> None:
        """The journal is no longer the one that was read."""
        self._kept.clear()

    async def stop(self) -> None:
        tasks = list(self._reads.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, after: int | None) -> Start:
        try:
            begun = await read(self._reader or start, self._pk, after)
        finally:
            del self._reads[after]
        self._kept[after] = begun
        asyncio.get_running_loop().call_later(KEPT_S, self._drop, after, begun)
        return begun

    def _drop(self, after: int | None, begun: Start) -> None:
        if self._kept.get(after) is begun:
            del self._kept[after]


def _look_at(task: asyncio.Task[Start]) -> None:
    """Nobody may be left to await it."""
    if not task.cancelled():
        task.exception()
