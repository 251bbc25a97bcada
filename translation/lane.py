"""One conversation's work in a worker: translations side by side, deliveries one after another.

A lane lives while its worker holds the conversation's lease; it runs while there is work, keeps
the order, and never lets an attributes PUT hold up the next POST (protocol §1).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from conversations.guest_language import weight_of
from conversations.languages import canonical, is_same_language
from conversations.models import Delivery
from conversations.net.faultpoints import point
from conversations.services.leases import Release, Rest
from conversations.services.transitions import DeliveryStatus
from conversations.services.unit import Change, LeaseLost
from translation.attribute_writer import AttributeWriter
from translation.deliverer import Deliverer
from translation.exceptions import TextRefused, TooLarge, TranslationError
from translation.lane_tools import (
    AGAIN_S,
    LONG_S,
    AttributesLater,
    LaneTools,
    ProviderAway,
    PutBack,
)
from translation.services import (
    BeginAlone,
    FailTranslation,
    Made,
    PassThrough,
    PutOffAttributes,
    RecordTranslation,
)
from translation.turns import turn_among
from translation.work import SUSPECT_DEATHS, AttributesItem, ConversationWork, WorkItem

logger = logging.getLogger(__name__)

State = Delivery.State
DEATHS = 3  # of workers; then a message is set aside (reliability B12)
_WRITE_MARGIN_S = 8.0  # a request may last 7 s: none starts later than this before the lease ends


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
        self._items: deque[WorkItem] = deque()
        self._known: set[int] = set()
        self._translations: dict[int, asyncio.Task[Made]] = {}
        self._arrival: asyncio.Future[None] | None = None  # done when an item has come
        self._attributes = AttributeWriter(
            self.conversation_id, self.external_id, tools, lease_left_s=self._lease_left_s
        )
        self._deliverer = Deliverer(
            self.conversation_id, self.external_id, tools, lease_left_s=self._lease_left_s
        )
        self.stopping = False
        self.awaits_news = False  # work has arrived that this lane has not been given yet
        self.add(work)

    def add(self, work: ConversationWork) -> None:
        """Take in what is new; what is in hand already is left as it is."""
        self.awaits_news = False
        self.work_at = work.work_at
        self._deliverer.guest_id = work.guest_id or self._deliverer.guest_id
        for item in work.items:
            if item.message_id in self._known:
                continue
            self._known.add(item.message_id)
            # The first of them may be under way.
            turn = turn_among(self._items, item, least=1)
            self._items.insert(turn, item)
            self._note_arrival()
            if not item.delivery_state and not self._is_suspicious(item):
                self._begin_translation(item)
        for due in work.attributes:
            self._attributes.add(due)

    def _note_arrival(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _is_suspicious(self, item: WorkItem) -> bool:
        """Behind a message whose worker died, translations wait for their turn: if one dies again
        it is known of which."""
        return any(one.attempts and not one.delivery_state for one in (item, self._items[0]))

    def _begin_translation(self, item: WorkItem) -> asyncio.Task[Made]:
        task = self._translations[item.message_id] = asyncio.create_task(
            self._translate(item), name=f"translate-{item.message_id}"
        )
        return task

    @property
    def has_work(self) -> bool:
        return bool(self._items) or self._attributes.is_busy

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
        except AttributesLater as later:
            logger.info("attributes put off: %s", later)
            await self._put_off(timezone.now() + timedelta(seconds=later.seconds))
        except PutBack as later:
            logger.info("work put back: %s", later)
            await self._give_back(timezone.now() + timedelta(seconds=later.seconds))
        return False

    def abandon(self) -> None:
        """End what still runs for it: the lease is no longer held."""
        self._attributes.abandon()
        for task in self._translations.values():
            task.cancel()

    async def _work_off(self) -> None:
        """Deliver what is in hand, and see its attributes written."""
        while not self.stopping:
            if self._items:
                item = self._items[0]
                try:
                    await self._deliver_in_turn(item)
                except ProviderAway:
                    await self._deliver_what_goes_the_other_way(item)
                    raise
                self._items.popleft()
                self._known.discard(item.message_id)
            elif self._attributes.is_busy:
                self._arrival = asyncio.get_running_loop().create_future()
                await self._attributes.written(unless=self._arrival)
            else:
                break
        # Where nothing was stopped these are written: no news can slip in between the look at
        # `_items` above and the rest, which is refused when `work_at` has moved.
        try:
            await self._attributes.written()
        except AttributesLater:
            if not self._items:  # else it was stopped: whoever goes on delivers those at once
                raise

    async def _deliver_what_goes_the_other_way(self, waiting: WorkItem) -> None:
        """A reply as written does not wait for a provider, nor for the guest's words that do."""
        for item in [one for one in self._items if one.is_reply != waiting.is_reply]:
            if not item.delivery_state or self.stopping:
                break  # those after it keep their order
            await self._deliver_in_turn(item)
            self._items.remove(item)
            self._known.discard(item.message_id)

    async def _deliver_in_turn(self, item: WorkItem) -> None:
        try:
            await self._deliver(item)
        finally:
            self._deliverer.end_turn()

    async def _rest(self, *, keep: bool) -> bool:
        """Say that nothing is left; False when work arrived meanwhile."""
        rest = Rest(self.conversation_id, self.tools.owner, seen_work_at=self.work_at, keep=keep)
        is_resting: bool = await self._commit(rest)
        await self._attributes.recorded()  # in the same commit
        if is_resting:
            self.work_at = None
            self._attributes.forget()
        return is_resting

    async def _give_back(self, again_at: datetime) -> None:
        try:
            await self._commit(Release(self.conversation_id, self.tools.owner, again_at))
        except LeaseLost:
            logger.info("the conversation was taken over already")

    async def _put_off(self, again_at: datetime) -> None:
        """A message that has come meanwhile does not wait for attributes."""
        where = (self.conversation_id, self.tools.owner)
        try:
            await self._commit(PutOffAttributes(*where, self.work_at, again_at))
        except LeaseLost:
            logger.info("the conversation was taken over already")

    # --- translation ---------------------------------------------------------------------------

    async def _translate(self, item: WorkItem) -> Made:
        point("K3")  # claimed, nothing asked
        target = self.tools.target_language
        if item.is_reply:
            # Its language is the console's own: a short answer is not left to be guessed.
            result = await self.tools.translator.translate(
                item.text, source=target, target=item.target_language
            )
            target = item.target_language
        else:
            result = await self.tools.translator.translate(item.text)
        point("K4")  # translated, nothing stored
        made = Made(
            text=result.text,
            source_language=canonical(result.language),
            target_language=canonical(target),
            provider=result.provider,
            latency_ms=result.latency_ms,
            from_memory=result.from_memory,
            weight=weight_of(item.text).value,
        )
        waits = self._items and self._items[0].message_id != item.message_id
        if waits and not _needs_no_delivery(item, made):
            # Ahead of its turn: make it durable and visible now, deliver it in its turn.
            await self._commit(self._recorded(item, made, start=False))
        return made

    def _recorded(self, item: WorkItem, made: Made, *, start: bool) -> RecordTranslation:
        return RecordTranslation(
            self.conversation_id, item.message_id, self.tools.owner, made, start=start
        )

    async def _translated(self, item: WorkItem) -> tuple[WorkItem, DeliveryStatus | None]:
        """The item with its translation; no status: nothing is to be delivered."""
        if item.attempts >= DEATHS:
            reason = f"its worker died {item.attempts} times while translating it"
            await self._fail(item, reason)
            return item, None
        try:
            made = await self._made(item)
        except TranslationError as error:
            if not _is_of_the_text(error):
                if getattr(error, "answers_others", False) and await self._give_up(item, error):
                    return item, None
                # The provider's trouble: nothing is lost, it is asked again later.
                wait_s = getattr(error, "retry_after_s", None) or AGAIN_S
                later = min(wait_s, LONG_S)
                raise ProviderAway(type(error).__name__, seconds=later) from error
            await self._fail(item, str(error))
            return item, None
        finally:
            self._translations.pop(item.message_id, None)
        item = replace(item, translated=made.text, source_language=made.source_language)
        if _needs_no_delivery(item, made):
            await self._commit(
                PassThrough(self.conversation_id, item.message_id, self.tools.owner, made)
            )
            return item, None
        may_start = self._deliverer.may_start()
        at_once = may_start and await self._deliverer.takes_turn()
        status = await self._commit(self._recorded(item, made, start=at_once))
        if status.state == State.QUEUED:  # recorded ahead of its turn, or held back
            status = await self._deliverer.start(item, may_start=may_start)
        return item, status

    async def _made(self, item: WorkItem) -> Made:
        if item.attempts < SUSPECT_DEATHS:
            return await (self._translations.get(item.message_id) or self._begin_translation(item))
        async with self.tools.alone:
            await self._commit(BeginAlone(self.conversation_id, item.message_id, self.tools.owner))
            return await self._begin_translation(item)

    async def _give_up(self, item: WorkItem, error: TranslationError) -> bool:
        """Where the provider fails over this text alone, the conversation waits for it no longer
        than for any delivery."""
        reason = f"{error}, and it answers others"
        change = FailTranslation(
            self.conversation_id, item.message_id, self.tools.owner, reason, when_too_old=True
        )
        is_failed: bool = await self._commit(change)
        return is_failed

    async def _fail(self, item: WorkItem, reason: str) -> None:
        """Set it aside, where a person sees it; the conversation goes on."""
        await self._commit(
            FailTranslation(self.conversation_id, item.message_id, self.tools.owner, reason)
        )

    # --- delivery ------------------------------------------------------------------------------

    async def _deliver(self, item: WorkItem) -> None:
        if item.delivery_state:
            status: DeliveryStatus | None = await self._deliverer.taken_up(item)
        else:
            item, status = await self._translated(item)
        if status is not None:
            status = await self._deliverer.to_its_end(item, status)
        if status is not None and status.state == State.CONFIRMED and not item.is_reply:
            self._attributes.add(
                AttributesItem(item.message_id, item.text, item.source_language, datetime.now(UTC))
            )

    def _lease_left_s(self) -> float:
        """In which a request may start."""
        return self.lease_ends - _WRITE_MARGIN_S - self.tools.monotonic()

    async def _commit(self, change: Change) -> Any:
        return await self.tools.crossing.commit(change)


def _is_of_the_text(error: TranslationError) -> bool:
    """It would be refused again and again: the conversation must not wait for it."""
    return isinstance(error, TextRefused | TooLarge) or getattr(error, "of_text", False)


def _needs_no_delivery(item: WorkItem, made: Made) -> bool:
    """The guest hears a reply from us alone, whatever language it is in."""
    return not item.is_reply and is_same_language(made.source_language, made.target_language)
