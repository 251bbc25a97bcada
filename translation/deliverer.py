"""One conversation's deliveries in a worker: each is begun, posted and found out to its end.

What is left to the lane: their order, and the translations (protocol §1, Injecting).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from conversations.genesys.exceptions import (
    Ambiguous,
    GenesysError,
    NotApplied,
    Permanent,
    Throttled,
)
from conversations.genesys.rest import TRIES
from conversations.keys import echo_key
from conversations.models import Delivery
from conversations.net.faultpoints import point
from conversations.parts import Part, part_at
from conversations.services.delivery import (
    LEAVES_WITHIN,
    Confirm,
    Requeue,
    SendInParts,
    Settle,
    StartSending,
)
from conversations.services.parts import LEAST_CHARS
from conversations.services.transitions import DeliveryStatus
from conversations.services.unit import Change
from translation.lane_tools import LaneTools, put_back
from translation.reconcile import find_out
from translation.work import WorkItem

logger = logging.getLogger(__name__)

State = Delivery.State
_ON_ITS_WAY = (State.QUEUED, State.SENDING, State.AMBIGUOUS)
_TOO_LONG = 413


class Deliverer:
    """`guest_id`: in whose name messages without a sender are posted, once it is known."""

    def __init__(
        self,
        conversation_id: int,
        external_id: str,
        tools: LaneTools,
        *,
        lease_left_s: Callable[[], float],
    ) -> None:
        self.conversation_id = conversation_id
        self.external_id = external_id
        self.tools = tools
        self.guest_id = ""
        self._lease_left_s = lease_left_s
        self._has_turn = False

    def may_start(self) -> bool:
        """Counts it, too: a conversation with too many is a loop with another system."""
        return self.tools.loop_guard(self.conversation_id).take()

    async def taken_up(self, item: WorkItem) -> DeliveryStatus:
        """One that was queued, or begun by somebody else."""
        if item.delivery_state == State.QUEUED:
            return await self.start(item)
        if item.delivery_state == State.SENDING:
            # Whoever sent it died: by definition unknown (reliability §5.3.1).
            return await self._settle(item, State.AMBIGUOUS, "the sending process ended")
        return DeliveryStatus(State.AMBIGUOUS, item.external_id, item.attempts)

    async def to_its_end(self, item: WorkItem, status: DeliveryStatus) -> DeliveryStatus:
        refused = 0
        while status.state in _ON_ITS_WAY:
            if status.state == State.SENDING:
                try:
                    status = await self._post(item, status)
                except (Throttled, NotApplied) as error:
                    # Surely not delivered: it keeps its place, and begins anew.
                    status, refused = await self._requeue(item, str(error)), refused + 1
                    if refused == TRIES:
                        raise put_back(error) from error
                    if isinstance(error, NotApplied):
                        await self.tools.rest.pause(refused)
            elif status.state == State.AMBIGUOUS:
                status = await find_out(self, item)
            else:  # its absence is believed: once more; or the part that follows
                status = await self.start(item)
        return status

    async def takes_turn(self) -> bool:
        """Whether one may be started this moment; else `start` waits for its turn."""
        self._has_turn = self._has_turn or await self.tools.rest.turn_at_once()
        return self._has_turn

    def end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self.tools.rest.end_turn()

    async def start(self, item: WorkItem, *, may_start: bool | None = None) -> DeliveryStatus:
        """`sending` is committed when nothing is left to wait for."""
        point("K5")  # translation stored, `sending` not
        if not (self.may_start() if may_start is None else may_start):
            reason = self.tools.loop_guard(self.conversation_id).reason
            logger.error("%s", reason, extra={"conversation": self.external_id})
            return await self._settle(item, State.REVIEW, reason)
        if not self._has_turn:
            await self.tools.rest.turn()
            self._has_turn = True
        return await self._commit(
            StartSending(self.conversation_id, item.message_id, self.tools.owner)
        )

    async def _post(self, item: WorkItem, status: DeliveryStatus) -> DeliveryStatus:
        """`sending` is committed; now the first byte may leave, if it can do so in time."""
        point("K6")  # `sending` stored, nothing sent
        part = part_at(item.translated, start=status.part_from, most=status.part_chars)
        try:
            external_id = await self.tools.rest.post_message(
                self.external_id,
                sender_id=item.sender_id or ("" if item.is_reply else self.guest_id),
                sender_type="agent" if item.is_reply else "guest",
                text=part.text,
                leaves_within_s=self._time_to_leave(status),
            )
        except (Throttled, NotApplied):
            raise  # it begins anew
        except Ambiguous as error:
            return await self._settle(item, State.AMBIGUOUS, str(error), part=part)
        except Permanent as error:
            if error.status == _TOO_LONG and len(part.text) > LEAST_CHARS:
                return await self._send_in_parts(item, part)
            return await self._settle(
                item, State.FAILED, str(error), status=error.status, body=error.body, part=part
            )
        except GenesysError as error:
            # Surely not delivered, and it will not be for a while. It keeps its place.
            await self._requeue(item, str(error))
            raise put_back(error) from error
        finally:
            self.end_turn()
        point("K8")  # answered, not confirmed (K7, between the two: tests/faults/armed.py)
        return await self._commit(
            Confirm(
                self.conversation_id,
                item.message_id,
                self.tools.owner,
                by="answer",
                external_id=external_id or "",
                part_from=part.start,
            )
        )

    def _time_to_leave(self, status: DeliveryStatus) -> Callable[[], float]:
        """A process that was paused must not write what another has taken over, and none later than
        whoever finds out what came of it reckons with."""
        began, clock = status.sending_at or timezone.now(), self.tools.monotonic
        known_at = clock()

        def left_s() -> float:
            gone = max((timezone.now() - began).total_seconds(), clock() - known_at)
            return min(self._lease_left_s(), LEAVES_WITHIN.total_seconds() - gone)

        return left_s

    async def _send_in_parts(self, item: WorkItem, refused: Part) -> DeliveryStatus:
        """In halves, and in halves of these: how much it takes, the platform does not say."""
        chars = (len(refused.text) + 1) // 2
        first = part_at(item.translated, start=refused.start, most=chars)
        return await self._commit(
            SendInParts(
                self.conversation_id,
                item.message_id,
                self.tools.owner,
                part_from=refused.start,
                chars=chars,
                key=echo_key(first.text),
            )
        )

    async def _requeue(self, item: WorkItem, reason: str) -> DeliveryStatus:
        return await self._commit(
            Requeue(self.conversation_id, item.message_id, self.tools.owner, reason)
        )

    async def _settle(
        self,
        item: WorkItem,
        state: State,
        reason: str,
        *,
        status: int | None = None,
        body: str = "",
        part: Part | None = None,
    ) -> DeliveryStatus:
        where = (self.conversation_id, item.message_id, self.tools.owner)
        part_from = part.start if part else None
        return await self._commit(Settle(*where, state, reason, status, body, part_from))

    async def _commit(self, change: Change) -> Any:
        return await self.tools.crossing.commit(change)
