"""The gateway: takes the leases of streams, runs them, and lets go of them in good order."""

from __future__ import annotations

import asyncio
import logging

from django.db import DatabaseError, InterfaceError

from conversations import outages
from conversations.conf import process_name
from conversations.crossing import Crossing
from conversations.gateway import leases
from conversations.gateway.org_stream import KEY, KIND, OrgStream

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
_LEASE_MARGIN_S = 3.0


class Supervisor:
    """Holds the org stream while it has its lease; a second gateway stands by."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._owner = process_name()
        self._leases: Crossing[None] = Crossing(lambda items: list(items), name="leases")

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        try:
            while not self._stopping.is_set():
                if await self._take():
                    await self._hold()
                await self._pause()
        finally:
            await self._leases.close()

    async def _take(self) -> bool:
        try:
            return await self._leases.call(lambda: leases.take(KIND, KEY, owner=self._owner))
        except (DatabaseError, InterfaceError) as error:
            _tell(error)
            return False

    async def _hold(self) -> None:
        """Run the stream until the lease or the process ends."""
        logger.info("stream %s: this gateway holds it", KIND)
        stream = OrgStream()
        task = asyncio.create_task(stream.run(), name=f"stream:{KIND}")
        loop = asyncio.get_running_loop()
        held_until = loop.time() + leases.LEASE_S
        try:
            while not task.done() and not self._stopping.is_set():
                renewed_from = loop.time()
                kept = await self._renew(stream)
                if kept:
                    held_until = renewed_from + leases.LEASE_S
                if kept is False or loop.time() > held_until - _LEASE_MARGIN_S:
                    logger.warning("stream %s: lease lost, closing", KIND)
                    break
                await self._retry_if_forgiven(stream)
                await self._pause()
        finally:
            stream.stop()
            await asyncio.wait({task}, timeout=15)
            task.cancel()
            await self._let_go(stream)

    async def _renew(self, stream: OrgStream) -> bool | None:
        """True: still ours; False: taken by another; None: the database did not say."""
        progress = stream.progress()
        try:
            async with asyncio.timeout(leases.LEASE_S / 2):
                return await self._leases.call(
                    lambda: leases.renew(KIND, KEY, owner=self._owner, progress=progress)
                )
        except TimeoutError:
            logger.warning("lease not renewed: the database does not answer")
            return None
        except (DatabaseError, InterfaceError) as error:
            _tell(error)
            return None

    async def _retry_if_forgiven(self, stream: OrgStream) -> None:
        try:
            await stream.retry_if_forgiven(self._leases.call)
        except (DatabaseError, InterfaceError) as error:
            _tell(error)

    async def _let_go(self, stream: OrgStream) -> None:
        try:
            await self._renew(stream)
            await self._leases.call(
                lambda: leases.give_back(KIND, KEY, owner=self._owner, reason="gateway stopped")
            )
        except (DatabaseError, InterfaceError) as error:
            _tell(error)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._stopping.wait()
        except TimeoutError:
            pass


def _tell(error: Exception) -> None:
    """What is wrong with the database itself was said by the crossing, once."""
    if outages.trouble_of(error) is None:
        logger.warning("the database refused a lease: %s", type(error).__name__)
