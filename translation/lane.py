"""One conversation's work in a worker: translations side by side, deliveries one after another.

A lane lives while its worker holds the conversation's lease; it runs while there is work, keeps
the order, and never lets an attributes PUT hold up the next POST (protocol §1).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from django.utils import timezone

from conversations.crossing import Crossing
from conversations.genesys.exceptions import Ambiguous, GenesysError, Permanent, ScopeMissing
from conversations.genesys.rest import GenesysRest
from conversations.models import Delivery
from conversations.net.faultpoints import point
from conversations.services.attributes import KEYS, RecordAttributes
from conversations.services.delivery import (
    Confirm,
    DeliveryStatus,
    Requeue,
    Settle,
    StartSending,
)
from conversations.services.leases import Release, Rest
from conversations.services.unit import Change, LeaseLost
from translation.batching import BatchResult
from translation.exceptions import TextRefused, TooLarge, TranslationError
from translation.languages import canonical, display, is_same_language
from translation.reconcile import find_out
from translation.services import FailTranslation, Made, PassThrough, RecordTranslation
from translation.work import AttributesItem, ConversationWork, WorkItem

logger = logging.getLogger(__name__)

State = Delivery.State
_ON_ITS_WAY = (State.QUEUED, State.SENDING, State.AMBIGUOUS)
_AGAIN_S = 5.0  # when a provider or the platform would not have it now
_LONG_S = 30.0
_WRITE_MARGIN_S = 8.0  # a request may last 7 s: none starts later than this before the lease ends


class Translator(Protocol):
    async def translate(self, text: str, *, source: str | None = None) -> BatchResult: ...


@dataclass(frozen=True, slots=True)
class LaneTools:
    """What all lanes of a worker share."""

    owner: str
    crossing: Crossing[Change]
    rest: GenesysRest
    translator: Translator
    target_language: str
    head_wait_s: float
    reconcile_window_s: float
    policy: str  # no-duplicate, prefer-delivery or manual
    monotonic: Callable[[], float]


class PutBack(Exception):
    """The work cannot go on now; it stays in its rows and is claimed again later."""

    def __init__(self, reason: str, *, seconds: float = _AGAIN_S) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Lane:
    def __init__(
        self,
        work: ConversationWork,
        tools: LaneTools,
        *,
        lease_ends: float,
        keeps: Callable[[], bool] = lambda: True,
    ) -> None:
        self.conversation_id = work.conversation_id
        self.external_id = work.external_id
        self.work_at = work.work_at
        self.lease_ends = lease_ends  # monotonic; the drain moves it with each renewal
        self.tools = tools
        self._keeps = keeps  # whether the lease is kept when nothing is left
        self._guest_id = work.guest_id
        self._items: deque[WorkItem] = deque()
        self._known: set[int] = set()
        self._translations: dict[int, asyncio.Task[Made]] = {}
        self._attributes: deque[AttributesItem] = deque()
        self._attributes_known: set[int] = set()
        self._attributes_task: asyncio.Task[None] | None = None
        self._written: asyncio.Future[Any] | None = None
        self.stopping = False
        self.awaits_news = False  # work has arrived that this lane has not been given yet
        self.add(work)

    def add(self, work: ConversationWork) -> None:
        """Take in what is new; what is in hand already is left as it is."""
        self.awaits_news = False
        self.work_at = work.work_at
        self._guest_id = work.guest_id or self._guest_id
        for item in work.items:
            if item.message_id in self._known:
                continue
            self._known.add(item.message_id)
            self._items.append(item)
            if not item.delivery_state:
                self._translations[item.message_id] = asyncio.create_task(
                    self._translate(item), name=f"translate-{item.message_id}"
                )
        for due in work.attributes:
            self._add_attributes(due)

    @property
    def has_work(self) -> bool:
        writing = self._attributes_task is not None and not self._attributes_task.done()
        return bool(self._items or self._attributes or writing)

    async def run(self) -> bool:
        """Work until nothing is left. True: the lease is still held, for what comes next."""
        try:
            await self._work_off()
            while not self.stopping:
                keep = self._keeps()
                if not await self._rest(keep=keep):
                    self.awaits_news = not self.has_work
                    return True  # the drain's next look brings it, for many lanes at once
                if not keep:
                    return False
                if not self.has_work:  # nothing slipped in behind the commit
                    return True
                await self._work_off()
            await self._give_back(timezone.now())
        except LeaseLost:
            logger.warning("lease lost", extra={"conversation": self.external_id})
        except PutBack as later:
            logger.info("work put back: %s", later)
            await self._give_back(timezone.now() + timedelta(seconds=later.seconds))
        return False

    def abandon(self) -> None:
        """End what still runs for it: the lease is no longer held."""
        for task in (*self._translations.values(), self._attributes_task):
            if task is not None:
                task.cancel()

    async def _work_off(self) -> None:
        """Deliver what is in hand, and see its attributes written."""
        while not self.stopping:
            if self._items:
                item = self._items[0]
                await self._deliver(item)
                self._items.popleft()
                self._known.discard(item.message_id)
            elif self._attributes_task and not self._attributes_task.done():
                await self._attributes_task
            else:
                break
        # Where nothing was stopped this task is done: no news can slip in between the look at
        # `_items` above and the rest, which is refused when `work_at` has moved.
        if self._attributes_task:
            await self._attributes_task

    async def _rest(self, *, keep: bool) -> bool:
        """Say that nothing is left; False when work arrived meanwhile."""
        rest = Rest(self.conversation_id, self.tools.owner, seen_work_at=self.work_at, keep=keep)
        is_resting: bool = await self._commit(rest)
        if self._written:
            await self._written  # committed with the rest; its failure must not pass unseen
            self._written = None
        if is_resting:
            self.work_at = None
            self._attributes_known.clear()
        return is_resting

    async def _give_back(self, again_at: datetime) -> None:
        try:
            await self._commit(Release(self.conversation_id, self.tools.owner, again_at))
        except LeaseLost:
            logger.info("the conversation was taken over already")

    # --- translation ---------------------------------------------------------------------------

    async def _translate(self, item: WorkItem) -> Made:
        point("K3")  # claimed, nothing asked
        result = await self.tools.translator.translate(item.text)
        point("K4")  # translated, nothing stored
        made = Made(
            text=result.text,
            source_language=canonical(result.language),
            target_language=canonical(self.tools.target_language),
            provider=result.provider,
            latency_ms=result.latency_ms,
            from_memory=result.from_memory,
        )
        waits = self._items and self._items[0].message_id != item.message_id
        if waits and not _needs_no_delivery(made):
            # Ahead of its turn: make it durable and visible now, deliver it in its turn.
            await self._commit(self._recorded(item, made, start=False))
        return made

    def _recorded(self, item: WorkItem, made: Made, *, start: bool) -> RecordTranslation:
        return RecordTranslation(
            self.conversation_id, item.message_id, self.tools.owner, made, start=start
        )

    async def _translated(self, item: WorkItem) -> tuple[WorkItem, DeliveryStatus | None]:
        """The item with its translation; no status: nothing is to be delivered."""
        try:
            made = await self._translations[item.message_id]
        except TranslationError as error:
            if not _is_of_the_text(error):
                # The provider's trouble: nothing is lost, it is asked again later.
                wait_s = getattr(error, "retry_after_s", None) or _AGAIN_S
                raise PutBack(type(error).__name__, seconds=min(wait_s, _LONG_S)) from error
            await self._commit(
                FailTranslation(self.conversation_id, item.message_id, self.tools.owner, str(error))
            )
            return item, None
        finally:
            self._translations.pop(item.message_id, None)
        item = replace(item, translated=made.text, source_language=made.source_language)
        if _needs_no_delivery(made):
            await self._commit(
                PassThrough(self.conversation_id, item.message_id, self.tools.owner, made)
            )
            return item, None
        status = await self._commit(self._recorded(item, made, start=True))
        if status.state == State.QUEUED:
            status = await self._start(item)
        return item, status

    # --- delivery ------------------------------------------------------------------------------

    async def _deliver(self, item: WorkItem) -> None:
        status: DeliveryStatus | None
        if item.delivery_state == State.QUEUED:
            status = await self._start(item)
        elif item.delivery_state == State.SENDING:
            # Whoever sent it died: by definition unknown (reliability §5.3.1).
            status = await self._settle(item, State.AMBIGUOUS, "the sending process ended")
        elif item.delivery_state == State.AMBIGUOUS:
            status = DeliveryStatus(State.AMBIGUOUS, item.external_id, item.attempts)
        else:
            item, status = await self._translated(item)
        while status is not None and status.state in _ON_ITS_WAY:
            if status.state == State.SENDING:
                status = await self._post(item)
            elif status.state == State.AMBIGUOUS:
                status = await find_out(self, item)
            else:  # its absence is believed: once more
                status = await self._start(item)
        if status is not None and status.state == State.CONFIRMED:
            self._add_attributes(
                AttributesItem(item.message_id, item.text, item.source_language, datetime.now(UTC))
            )

    async def _start(self, item: WorkItem) -> DeliveryStatus:
        point("K5")  # translation stored, `sending` not
        return await self._commit(
            StartSending(self.conversation_id, item.message_id, self.tools.owner)
        )

    async def _post(self, item: WorkItem) -> DeliveryStatus:
        """`sending` is committed; now the first byte may leave, if the lease still holds."""
        point("K6")  # `sending` stored, nothing sent
        if self._lease_is_ending():
            await self._requeue(item, "the lease was about to end")
            raise PutBack("the lease was about to end", seconds=0)
        try:
            external_id = await self.tools.rest.post_message(
                self.external_id,
                sender_id=item.guest_id or self._guest_id,
                sender_type="guest",
                text=item.translated,
            )
        except Ambiguous as error:
            return await self._settle(item, State.AMBIGUOUS, str(error))
        except Permanent as error:
            return await self._settle(
                item, State.FAILED, str(error), status=error.status, body=error.body
            )
        except GenesysError as error:
            # Surely not delivered: throttled, refused, unreachable. It keeps its place.
            await self._requeue(item, str(error))
            raise _put_back(error) from error
        point("K8")  # answered, not confirmed (K7, between the two: tests/faults/armed.py)
        return await self._commit(
            Confirm(
                self.conversation_id,
                item.message_id,
                self.tools.owner,
                by="answer",
                external_id=external_id or "",
            )
        )

    def _lease_is_ending(self) -> bool:
        """A process that was paused must not write what another has taken over."""
        return self.tools.monotonic() > self.lease_ends - _WRITE_MARGIN_S

    async def _requeue(self, item: WorkItem, reason: str) -> None:
        await self._commit(Requeue(self.conversation_id, item.message_id, self.tools.owner, reason))

    async def _settle(
        self,
        item: WorkItem,
        state: State,
        reason: str,
        *,
        status: int | None = None,
        body: str = "",
    ) -> DeliveryStatus:
        return await self._commit(
            Settle(
                self.conversation_id, item.message_id, self.tools.owner, state, reason, status, body
            )
        )

    # --- attributes ----------------------------------------------------------------------------

    def _add_attributes(self, due: AttributesItem) -> None:
        if due.message_id in self._attributes_known:
            return
        self._attributes_known.add(due.message_id)
        self._attributes.append(due)
        task = self._attributes_task
        if task is None or (task.done() and task.exception() is None):
            self._attributes_task = asyncio.create_task(
                self._write_attributes(), name=f"attributes-{self.conversation_id}"
            )

    async def _write_attributes(self) -> None:
        """One PUT after another, beside the POSTs: in order, never in their way (protocol §1)."""
        while self._attributes:
            due = self._attributes.popleft()
            if self._lease_is_ending():
                raise PutBack("the lease was about to end", seconds=0)
            point("K9")  # confirmed, attributes not written
            try:
                status = await self.tools.rest.put_attributes(self.external_id, _payload(due))
                record = self._audit(due, status, "", "")
            except Permanent as error:
                record = self._audit(due, error.status, str(error), error.body)
            except GenesysError as error:
                raise _put_back(error) from error
            point("K10")  # attributes written, not stored
            # Not awaited: it goes into the same transaction as what follows it, the release too.
            self._written = self.tools.crossing.submit(record)

    def _audit(self, due: AttributesItem, status: int, reason: str, body: str) -> RecordAttributes:
        return RecordAttributes(
            conversation_id=self.conversation_id,
            message_id=due.message_id,
            owner=self.tools.owner,
            original_language=display(due.source_language),
            target_language=display(self.tools.target_language),
            translation_timestamp=due.confirmed_at,
            http_status=status,
            reason=reason,
            body=body,
        )

    async def _commit(self, change: Change) -> Any:
        return await self.tools.crossing.commit(change)


def _is_of_the_text(error: TranslationError) -> bool:
    """It would be refused again and again: the conversation must not wait for it."""
    return isinstance(error, TextRefused | TooLarge) or getattr(error, "of_text", False)


def _put_back(error: GenesysError) -> PutBack:
    """A missing scope does not come back in seconds: ask rarely, and say it (protocol OAuth)."""
    if isinstance(error, ScopeMissing):
        logger.error("%s", error)
        return PutBack(str(error), seconds=_LONG_S)
    return PutBack(str(error))


def _needs_no_delivery(made: Made) -> bool:
    return is_same_language(made.source_language, made.target_language)


def _payload(due: AttributesItem) -> dict[str, str]:
    moment = due.confirmed_at.astimezone(UTC).isoformat(timespec="milliseconds")
    values = (display(due.source_language), due.text, moment.replace("+00:00", "Z"))
    return dict(zip(KEYS, values, strict=True))
