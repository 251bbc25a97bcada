"""A process's subscription to a group, the doorbell's as a rule; whatever Redis does, it goes on.

Errors of the channel layer stop here: no browser's socket ever notices them (reliability F25).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from channels.layers import get_channel_layer

from conversations.live.doorbell import GROUP

logger = logging.getLogger(__name__)

# A flush, a restart or an eviction forgets the membership without a word (reliability F13).
REJOIN_S = 20.0
CALL_WITHIN_S = 5.0
RETRY_S = (1.0, 2.0, 5.0, 10.0)
LOG_EVERY_S = 60.0


class Listener:
    def __init__(self, heard: Callable[[dict[str, Any]], None], *, group: str = GROUP) -> None:
        self._heard = heard
        self._group = group
        self._next_log = 0.0
        self.failures = 0

    async def run(self) -> None:
        """Listens until cancelled."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                await self._subscribed()
            except Exception as error:  # noqa: BLE001 - pages poll meanwhile, see tailer
                self._report(error)
            tries = 0 if time.monotonic() - began > REJOIN_S else tries + 1
            await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])

    async def _subscribed(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        try:
            await _all_of(
                asyncio.create_task(self._keep_membership(layer, channel), name="live-membership"),
                asyncio.create_task(self._receive(layer, channel), name="live-receive"),
            )
        finally:
            with suppress(Exception):
                async with asyncio.timeout(CALL_WITHIN_S):
                    await layer.group_discard(self._group, channel)

    async def _keep_membership(self, layer: Any, channel: str) -> None:
        while True:
            async with asyncio.timeout(CALL_WITHIN_S):
                await layer.group_add(self._group, channel)
            await asyncio.sleep(REJOIN_S)

    async def _receive(self, layer: Any, channel: str) -> None:
        while True:
            self._heard(await layer.receive(channel))

    def _report(self, error: BaseException) -> None:
        self.failures += 1
        now = time.monotonic()
        if now < self._next_log:
            return
        self._next_log = now + LOG_EVERY_S
        logger.warning(
            "Nothing of %s is heard from the channel layer (%r); live pages poll.",
            self._group,
            error,
        )


async def _all_of(*tasks: asyncio.Task[None]) -> None:
    """Until the first fails, which ends the others.

    Not a TaskGroup: where one fails in the moment of a cancellation, that of Python 3.11 raises the
    failure and forgets the cancellation, and whoever waits for the end waits for ever.
    """
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
