"""The echoes of our own deliveries in one batch of events: which they are, and what they prove."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings

from conversations.genesys.events import MessageReceived
from conversations.models import Conversation, Delivery, JournalEntry, Message
from conversations.models.bulk import update
from conversations.models.trip import Trip
from conversations.parts import Part
from conversations.services.journal import Ledger
from conversations.services.parts import following, keep_part
from conversations.services.recognition import AwaitedEchoes, SentAgain

logger = logging.getLogger(__name__)

Kind = JournalEntry.Kind
State = Delivery.State
_WRITTEN = ("echoed_at", "external_id", "state", "confirmed_at", "confirmed_by", "reason",
            "attributes_state", "duplicates")  # fmt: skip


class Echoes:
    """`call_worker` is called with a conversation for which there is something to do now."""

    def __init__(
        self,
        awaited: Iterable[Delivery],
        sent_again: Iterable[Delivery],
        *,
        ledger: Ledger,
        now: datetime,
        call_worker: Callable[[Conversation], None],
    ) -> None:
        awaited_by_key = {row.pk: row for row in awaited}
        self._awaited = AwaitedEchoes(awaited_by_key.values())
        window = timedelta(seconds=settings.RECONCILE_WINDOW_S)
        # A delivery found by both is one object, so that what either learns of it is written.
        again = [awaited_by_key.get(row.pk, row) for row in sent_again]
        self._sent_again = SentAgain(again, window=window)
        self._ledger = ledger
        self._now = now
        self._call_worker = call_worker
        self._echoed: list[tuple[Delivery, str]] = []  # with the state it was read in
        self.count = 0

    def cause_of(
        self, conversation: Conversation, event: MessageReceived, origin: Message.Origin
    ) -> tuple[Delivery | None, bool]:
        """The delivery whose echo `event` is, and whether it is the echo of a second sending."""
        found = self._awaited.match(conversation, event, origin)
        if found is not None:
            return found, False
        found = self._sent_again.match(conversation, event, origin)
        return found, found is not None

    def store(self, conversation: Conversation, delivery: Delivery, message: Message) -> None:
        """`message` is the echo: it proves that `delivery` is there, or the part at hand of it."""
        before = delivery.state
        self.count += 1
        then = following(delivery) if before != State.CONFIRMED else None
        if then is not None:
            self._store_of_part(conversation, delivery, message, then)
            return
        delivery.echoed_at = self._now
        delivery.external_id = delivery.external_id or message.external_id
        kind = Kind.ECHOED
        if before != State.CONFIRMED:
            kind = Kind.CONFIRMED
            delivery.state = State.CONFIRMED
            delivery.confirmed_at = self._now
            delivery.confirmed_by = "echo"
            delivery.reason = ""
            if delivery.owes_attributes(conversation):
                delivery.attributes_state = Delivery.AttributesState.PENDING
                self._announce_attributes(conversation, before)
        self._echoed.append((delivery, before))
        self._sent_again.add(delivery)
        self._enter(conversation, kind, delivery, message, attempt=delivery.attempts)

    def _store_of_part(
        self, conversation: Conversation, delivery: Delivery, message: Message, then: Part
    ) -> None:
        """Rare, so written at once: the echo belongs to a row that is made here."""
        attempt = delivery.attempts
        # Where somebody is asked, or has decided, nothing more is sent behind their back.
        goes_on = delivery.state in Delivery.UNFINISHED
        part = keep_part(
            delivery,
            then,
            by="echo",
            external_id=message.external_id,
            now=self._now,
            goes_on=goes_on,
            echoed_at=self._now,
        )
        delivery.save()
        message.echo_of = part
        self._sent_again.add(part)
        if goes_on:
            self._call_worker(conversation)
        place = {"part_from": part.part_from}
        self._enter(conversation, Kind.PART_CONFIRMED, delivery, message, attempt=attempt, **place)

    def _enter(
        self,
        conversation: Conversation,
        kind: JournalEntry.Kind,
        delivery: Delivery,
        message: Message,
        *,
        attempt: int,
        **more: int,
    ) -> None:
        facts = {"by": "echo", "attempt": attempt, "external_id": message.external_id}
        message.seq = self._ledger.enter(
            conversation, kind, message=delivery.source_id, data=facts | more
        )

    def store_duplicate(
        self, conversation: Conversation, delivery: Delivery, message: Message
    ) -> None:
        """Both sendings stand there: nothing can take one back, but nobody is left to find out."""
        self.count += 1
        delivery.duplicates = max(delivery.duplicates, delivery.attempts_at_part - 1)
        self._echoed.append((delivery, delivery.state))
        message.seq = self._ledger.enter(
            conversation,
            Kind.DUPLICATE,
            message=delivery.source_id,
            data={"seen": "echo", "external_id": message.external_id},
        )
        logger.error("the delivery of message %s stands twice", delivery.source_id)

    def _announce_attributes(self, conversation: Conversation, before: str) -> None:
        """While a worker waits for its POST's answer it goes on to the attributes by itself."""
        if before == State.SENDING and conversation.work_at is not None:
            return
        self._call_worker(conversation)

    def write(self, trip: Trip) -> None:
        """One that got both its echoes in this batch is written once, from the state it was read
        in."""
        states = dict(reversed(self._echoed))
        guards = [{"state": before} for before in states.values()]
        update(trip, list(states), fields=_WRITTEN, where=guards)
