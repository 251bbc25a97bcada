"""The life of a delivery, as changes that a worker commits (states: design.md).

Each is safe to apply twice: after a broken commit the worker applies it again and gets the same
answer (reliability E1). Transitions are guarded by the state they start from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from conversations.models import Conversation, DeadLetter, Delivery, JournalEntry
from conversations.models.bulk import ask_matching
from conversations.models.trip import Answer, Trip
from conversations.services.transitions import (
    DeliveryStatus,
    confirm,
    keep_dead_letter,
    note_duplicates,
    set_aside_if_too_old,
    settle,
    start_sending,
    status_of,
)
from conversations.services.unit import Change, Plain, Unit

Kind = JournalEntry.Kind
State = Delivery.State
# So long after `sending_at` a first byte may leave, and no later: a window counted from there
# covers whatever its sender had to wait for, alive or dead.
LEAVES_WITHIN = timedelta(seconds=1.5)


@dataclass(frozen=True, slots=True)
class StartSending(Plain):
    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        if delivery.state == State.QUEUED and not set_aside_if_too_old(
            unit, conversation, unit.messages[self.message_id], delivery
        ):
            start_sending(unit, conversation, delivery)
        return status_of(delivery)


def _holders_of_ids(changes: Sequence[Change], trip: Trip) -> Answer[list[Delivery]]:
    """Deliveries that hold an id which a change of this transaction brings."""
    brought = {(change.conversation_id, getattr(change, "external_id", "")) for change in changes}
    pairs = {("conversation_id", "external_id"): {pair for pair in brought if pair[1]}}
    return ask_matching(trip, Delivery, pairs)


@dataclass(frozen=True, slots=True)
class Confirm(Plain):
    """The POST's answer, the history or a person says that it is there."""

    shared: ClassVar = (_holders_of_ids,)
    conversation_id: int
    message_id: int
    owner: str
    by: str
    external_id: str = ""
    duplicates: tuple[str, ...] = ()  # ids under which it stands there as well
    part_from: int = 0  # of which part

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        self._reclaim(unit, conversation, delivery)
        if delivery.part_from != self.part_from:
            return status_of(delivery)  # its echo was faster, and the next part is at hand
        if delivery.state == State.CONFIRMED:
            # The echo was faster than the POST's answer: only the id is news.
            if self.external_id and not delivery.external_id:
                delivery.external_id = self.external_id
                unit.changed(delivery)
        else:
            confirm(unit, conversation, delivery, by=self.by, external_id=self.external_id)
            note_duplicates(unit, conversation, delivery, self.duplicates)
        return status_of(delivery)

    def _reclaim(self, unit: Unit, conversation: Conversation, delivery: Delivery) -> None:
        """An echo of an equal text may have given this id to an older delivery by mistake.

        The answer to our own POST is the better witness: the older one is looked at by a person.
        """
        mine = (self.conversation_id, self.external_id)
        for holder in unit.shared(_holders_of_ids):
            if (holder.conversation_id, holder.external_id) != mine:
                continue
            if delivery.pk not in (holder.pk, holder.part_of_id):
                self._give_up(unit, conversation, holder)

    @staticmethod
    def _give_up(unit: Unit, conversation: Conversation, holder: Delivery) -> None:
        if holder.part_of is not None:  # whose part that was is looked at
            Delivery.objects.filter(pk=holder.pk).update(external_id="")
            holder = holder.part_of
        # One that this transaction has in hand already is that object, not a second one.
        holder = unit.deliveries.get(holder.message_id or 0) or unit.known(holder)
        holder.external_id = ""
        holder.state, holder.reason = State.REVIEW, "its echo was another delivery's"
        unit.changed(holder)
        unit.ledger.enter(
            conversation,
            Kind.REVIEW,
            message=holder.message_id,
            data={"reason": holder.reason},
        )


@dataclass(frozen=True, slots=True)
class Settle(Plain):
    """queued, sending or ambiguous → ambiguous, review, failed, expired. What has come to its end
    meanwhile stays as it is: an echo was faster, or the guest was erased."""

    conversation_id: int
    message_id: int
    owner: str
    state: State
    reason: str
    http_status: int | None = None
    body: str = ""
    part_from: int | None = None  # of which part; None: of whichever is at hand

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        is_of_earlier_part = self.part_from not in (None, delivery.part_from)
        is_over = delivery.state not in Delivery.UNFINISHED
        if is_of_earlier_part or is_over or delivery.state == self.state:
            return status_of(delivery)
        settle(unit, conversation, delivery, state=self.state, reason=self.reason)
        if self.state == State.FAILED:
            keep_dead_letter(
                unit,
                DeadLetter.Kind.DELIVERY,
                conversation=conversation,
                message_id=self.message_id,
                reason=self.reason,
                http_status=self.http_status,
                body=self.body,
            )
        return status_of(delivery)


@dataclass(frozen=True, slots=True)
class Requeue(Plain):
    """sending → queued: the platform surely did not take it, and it is asked again later.

    `was_ambiguous`: ambiguous → queued, its absence is believed (protocol §1, Injecting).
    """

    conversation_id: int
    message_id: int
    owner: str
    reason: str
    was_ambiguous: bool = False

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        if delivery.state == (State.AMBIGUOUS if self.was_ambiguous else State.SENDING):
            delivery.state = State.QUEUED
            delivery.reason = self.reason[:200]
            if self.was_ambiguous:  # its echo may still come, whatever is believed
                delivery.earlier_sending_at = delivery.earlier_sending_at or delivery.sending_at
            else:
                delivery.attempts -= 1  # none that anybody got
            unit.changed(delivery)
            unit.ledger.enter(
                conversation,
                Kind.REQUEUED,
                message=delivery.message_id,
                data={"reason": self.reason[:200]},
            )
        return status_of(delivery)


@dataclass(frozen=True, slots=True)
class SendInParts(Plain):
    """sending → queued: the platform surely did not take it, for its length (reliability C16).

    `key`: the echo key of the part that is sent now, of at most `chars` characters.
    """

    conversation_id: int
    message_id: int
    owner: str
    part_from: int
    chars: int
    key: str

    def apply(self, unit: Unit) -> DeliveryStatus:
        conversation = unit.conversation(self)
        delivery = unit.deliveries[self.message_id]
        if delivery.state == State.SENDING and delivery.part_from == self.part_from:
            reason = "too long for the platform: in parts"
            delivery.state, delivery.reason = State.QUEUED, reason
            delivery.part_chars, delivery.echo_key = self.chars, self.key
            delivery.attempts -= 1  # none that anybody took
            unit.changed(delivery)
            unit.ledger.enter(
                conversation,
                Kind.REQUEUED,
                message=delivery.message_id,
                data={"reason": reason, "part_chars": self.chars},
            )
        return status_of(delivery)
