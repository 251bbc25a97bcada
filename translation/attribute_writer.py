"""Writes a conversation's attributes beside its deliveries: in order, never in their way."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC
from typing import Any

from conversations.genesys.exceptions import GenesysError, Permanent, ScopeMissing
from conversations.languages import display
from conversations.models import Delivery
from conversations.net.faultpoints import point
from conversations.services.attributes import KEYS, RecordAttributes
from translation.lane_tools import AttributesLater, LaneTools
from translation.work import AttributesItem

logger = logging.getLogger(__name__)

_FRESH_S = 0.5  # what has waited longer may have been erased meanwhile: it is looked at again


class AttributeWriter:
    """One PUT after another (protocol §1), while the lease of the conversation is held."""

    def __init__(
        self,
        conversation_id: int,
        external_id: str,
        tools: LaneTools,
        *,
        lease_left_s: Callable[[], float],
    ) -> None:
        self._conversation_id = conversation_id
        self._external_id = external_id
        self._tools = tools
        self._lease_left_s = lease_left_s
        self._due: deque[tuple[AttributesItem, float]] = deque()  # with when it came
        self._known: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._written: asyncio.Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._due) or (self._task is not None and not self._task.done())

    def add(self, due: AttributesItem) -> None:
        if due.message_id in self._known:
            return
        self._known.add(due.message_id)
        self._due.append((due, self._tools.monotonic()))
        if self._task is None or (self._task.done() and self._task.exception() is None):
            self._task = asyncio.create_task(
                self._write(), name=f"attributes-{self._conversation_id}"
            )
            self._task.add_done_callback(_look_at)

    async def written(self, *, unless: asyncio.Future[None] | None = None) -> None:
        """Wait for what is due; raises AttributesLater where it could not be written.

        Where `unless` is done first, that is left for later.
        """
        if self._task is None:
            return
        if unless is not None:
            await asyncio.wait({self._task, unless}, return_when=asyncio.FIRST_COMPLETED)
            if unless.done():
                return
        await self._task

    async def recorded(self) -> None:
        """What was handed over is committed; its failure must not pass unseen."""
        if self._written is not None:
            await self._written
            self._written = None

    def forget(self) -> None:
        """Nothing is left: what was written is in the rows."""
        self._known.clear()

    def abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _write(self) -> None:
        pauses, clock = self._tools.attribute_pauses, self._tools.monotonic
        while self._due:
            if wait_s := pauses.wait_s(now=clock()):
                raise AttributesLater("no attributes can be written", seconds=wait_s)
            due, came_at = self._due.popleft()
            waited_s = clock() - came_at
            if waited_s > _FRESH_S and not await self._tools.crossing.call(_is_due, due.message_id):
                continue
            point("K9")  # confirmed, attributes not written
            try:
                status = await self._tools.rest.put_attributes(
                    self._external_id, _payload(due), leaves_within_s=self._lease_left_s
                )
                record = self._audit(due, status, "", "")
            except Permanent as error:
                record = self._audit(due, error.status, str(error), error.body)
            except ScopeMissing as error:
                logger.error("%s", error)
                raise AttributesLater(str(error), seconds=pauses.refused(now=clock())) from error
            except GenesysError as error:
                wait_s = pauses.failed(self._conversation_id)
                raise AttributesLater(str(error), seconds=wait_s) from error
            pauses.written(self._conversation_id)
            point("K10")  # attributes written, not stored
            # Not awaited: it goes into the same transaction as what follows it, the rest too.
            self._written = self._tools.crossing.submit(record)
            self._written.add_done_callback(_look_at)

    def _audit(self, due: AttributesItem, status: int, reason: str, body: str) -> RecordAttributes:
        return RecordAttributes(
            conversation_id=self._conversation_id,
            message_id=due.message_id,
            owner=self._tools.owner,
            original_language=display(due.source_language),
            target_language=display(self._tools.target_language),
            translation_timestamp=due.confirmed_at,
            http_status=status,
            reason=reason,
            body=body,
        )


def _is_due(message_id: int) -> bool:
    pending = Delivery.objects.filter(message_id=message_id).values_list("attributes_state")
    return pending.first() == (Delivery.AttributesState.PENDING,)


def _look_at(written: asyncio.Future[Any]) -> None:
    """Whose lane has ended (its lease was lost) is awaited by nobody, and is no news to log."""
    if not written.cancelled():
        written.exception()


def _payload(due: AttributesItem) -> dict[str, str]:
    moment = due.confirmed_at.astimezone(UTC).isoformat(timespec="milliseconds")
    values = (display(due.source_language), due.text, moment.replace("+00:00", "Z"))
    return dict(zip(KEYS, values, strict=True))
