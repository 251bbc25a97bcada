"""Recognises what is known already: repeated events, and the echoes of our own deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from conversations.genesys.events import MessageReceived
from conversations.keys import content_key, echo_key
from conversations.models import Conversation, Delivery, Message, MessageText
from conversations.models.bulk import ask_matching
from conversations.models.trip import Answer, Trip

# An echo may carry the platform's clock; ours may be behind by this much (reliability §5.3.4).
CLOCK_SKEW = timedelta(seconds=5)
_CONVERSATION = "conversation__external_id"
_STATES = ", ".join(f"'{state.value}'" for state in Delivery.POSSIBLY_POSTED)
# The part at hand was sent, and somebody may have got it; a queued one only if it was sent before.
_MAY_BE_ECHOED = (
    f"t.echoed_at IS NULL AND t.state IN ({_STATES})"
    " AND (t.earlier_sending_at IS NOT NULL"
    " OR (t.state <> 'queued' AND t.attempts > t.attempts_before))"
)
_SENT_AGAIN = "t.earlier_sending_at IS NOT NULL AND t.state = 'confirmed'"
_ECHO_DIRECTION = {
    Message.Origin.GUEST: Delivery.Direction.GUEST_TO_AGENT,
    Message.Origin.AGENT: Delivery.Direction.AGENT_TO_GUEST,
}


def content_key_of(event: MessageReceived) -> str:
    return content_key("event", event.sender.id, event.sent_at.isoformat(), event.text)


def ask_known(trip: Trip, events: Iterable[MessageReceived]) -> Answer[list[Message]]:
    """Messages that may be the ones of `events`."""
    return ask_matching(
        trip,
        Message,
        {
            (_CONVERSATION, "content_key"): _pairs(events, content_key_of),
            (_CONVERSATION, "external_id"): _pairs(events, _id_of),
        },
    )


def ask_awaited(trip: Trip, events: Iterable[MessageReceived]) -> Answer[list[Delivery]]:
    """Deliveries whose echo may be among `events`."""
    pairs = {
        (_CONVERSATION, "echo_key"): _pairs(events, _echo_key_of),
        (_CONVERSATION, "external_id"): _pairs(events, _id_of),
    }
    return ask_matching(trip, Delivery, pairs, _MAY_BE_ECHOED)


def ask_sent_again(trip: Trip, events: Iterable[MessageReceived]) -> Answer[list[Delivery]]:
    """Confirmed deliveries that were sent twice: among `events` may be their other echo."""
    pairs = {(_CONVERSATION, "echo_key"): _pairs(events, _echo_key_of)}
    return ask_matching(trip, Delivery, pairs, _SENT_AGAIN)


def _id_of(event: MessageReceived) -> str:
    return event.external_id or ""


def _echo_key_of(event: MessageReceived) -> str:
    return echo_key(event.text) if event.text else ""


def _pairs(
    events: Iterable[MessageReceived], value_of: Callable[[MessageReceived], str]
) -> set[tuple[str, str]]:
    """(conversation's external id, value) of each event that has such a value."""
    found = {(event.conversation_id, value_of(event)) for event in events}
    return {pair for pair in found if pair[1]}


class KnownEvents:
    """Which events of a batch are stored already.

    TRAP: after a reconnect, events are repeated. By id where both have one, else by sender, time
    and text; an event whose id we learn only now is still the one stored without.
    """

    def __init__(self, found: Iterable[Message]) -> None:
        self._ids: set[tuple[int, str]] = set()
        self._contents: dict[tuple[int, str], set[str]] = {}
        for row in found:
            self._remember(row.conversation_id, row.external_id, row.content_key)

    def is_repeated(self, conversation: Conversation, event: MessageReceived, key: str) -> bool:
        if event.external_id and (conversation.pk, event.external_id) in self._ids:
            return True
        same = self._contents.get((conversation.pk, key))
        if same is None:
            return False
        # Equal content under two different ids is two messages.
        return not event.external_id or "" in same

    def add(self, conversation: Conversation, message: Message) -> None:
        self._remember(conversation.pk, message.external_id, message.content_key)

    def _remember(self, conversation_id: int, external_id: str, key: str) -> None:
        if external_id:
            self._ids.add((conversation_id, external_id))
        self._contents.setdefault((conversation_id, key), set()).add(external_id)


class AwaitedEchoes:
    """Deliveries whose echo may be among the events of a batch.

    TRAP: an echo can come before the POST's answer, with the id that the answer will bring, with
    one that we do not know yet, or with none. Equal texts in a row: the oldest is matched first.
    """

    def __init__(self, found: Iterable[Delivery]) -> None:
        self._by_conversation: dict[int, list[Delivery]] = {}
        for delivery in sorted(found, key=lambda row: row.sending_at or row.created_at):
            self._by_conversation.setdefault(delivery.conversation_id, []).append(delivery)

    def match(
        self, conversation: Conversation, event: MessageReceived, origin: Message.Origin
    ) -> Delivery | None:
        waiting = self._by_conversation.get(conversation.pk)
        if not waiting:
            return None
        candidates = [row for row in waiting if row.direction == _ECHO_DIRECTION[origin]]
        found = self._by_id(candidates, event) or self._by_text(candidates, event)
        if found:
            waiting.remove(found)
        return found

    @staticmethod
    def _by_id(candidates: list[Delivery], event: MessageReceived) -> Delivery | None:
        if not event.external_id:
            return None
        return next((row for row in candidates if row.external_id == event.external_id), None)

    @staticmethod
    def _by_text(candidates: list[Delivery], event: MessageReceived) -> Delivery | None:
        key = echo_key(event.text)
        for row in candidates:
            # A delivery whose id is known is not the cause of an event with another id.
            other_id = row.external_id and event.external_id
            since = row.earlier_sending_at or row.sending_at
            early = since is not None and event.sent_at < since - CLOCK_SKEW
            if row.echo_key == key and not other_id and not early:
                return row
        return None


class SentAgain:
    """Deliveries whose absence was wrongly believed: both sendings stand, and both come back.

    Such an event is ours and no guest's words; it is a duplicate incident (protocol §1, Injecting).
    """

    def __init__(self, found: Iterable[Delivery], *, window: timedelta) -> None:
        self._found = list(found)
        self._window = window

    def add(self, delivery: Delivery) -> None:
        """It has its first echo now."""
        if delivery.earlier_sending_at is not None:
            self._found.append(delivery)

    def match(
        self, conversation: Conversation, event: MessageReceived, origin: Message.Origin
    ) -> Delivery | None:
        key = echo_key(event.text)
        for row in self._found:
            if (row.conversation_id, row.echo_key) != (conversation.pk, key):
                continue
            if row.direction == _ECHO_DIRECTION[origin] and self._is_in_time(row, event):
                return None if _may_be_the_guests(row) else row
        return None

    def _is_in_time(self, row: Delivery, event: MessageReceived) -> bool:
        first, last = row.earlier_sending_at, row.sending_at
        if first is None or last is None:
            return False
        return first - CLOCK_SKEW <= event.sent_at <= last + self._window + CLOCK_SKEW


def _may_be_the_guests(delivery: Delivery) -> bool:
    """Their own words were the same: then it may be them who say it again, and nothing is lost."""
    roles = (MessageText.Role.ORIGINAL, MessageText.Role.TYPED)
    said = MessageText.objects.filter(message_id=delivery.source_id, role__in=roles).first()
    return said is None or echo_key(said.text) == delivery.echo_key
