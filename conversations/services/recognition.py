"""Recognises what is known already: repeated events, and the echoes of our own deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from conversations.genesys.events import MessageReceived
from conversations.keys import content_key, echo_key
from conversations.models import Conversation, Delivery, Message
from conversations.models.bulk import select_matching

# An echo may carry the platform's clock; ours may be behind by this much (reliability §5.3.4).
CLOCK_SKEW = timedelta(seconds=5)
_STATES = ", ".join(f"'{state.value}'" for state in Delivery.POSSIBLY_POSTED)
_MAY_BE_ECHOED = f"t.echoed_at IS NULL AND t.state IN ({_STATES})"
_ECHO_DIRECTION = {
    Message.Origin.GUEST: Delivery.Direction.GUEST_TO_AGENT,
    Message.Origin.AGENT: Delivery.Direction.AGENT_TO_GUEST,
}


def content_key_of(event: MessageReceived) -> str:
    return content_key("event", event.sender.id, event.sent_at.isoformat(), event.text)


def _id_of(event: MessageReceived) -> str:
    return event.external_id or ""


def _echo_key_of(event: MessageReceived) -> str:
    return echo_key(event.text) if event.text else ""


def _pairs(
    conversations: Mapping[str, Conversation],
    events: Iterable[MessageReceived],
    value_of: Callable[[MessageReceived], str],
) -> set[tuple[int, str]]:
    """(conversation key, value) of each event that has such a value."""
    found = {(conversations[event.conversation_id].pk, value_of(event)) for event in events}
    return {pair for pair in found if pair[1]}


class KnownEvents:
    """Which events of a batch are stored already.

    TRAP: after a reconnect, events are repeated. By id where both have one, else by sender, time
    and text; an event whose id we learn only now is still the one stored without.
    """

    def __init__(
        self, conversations: Mapping[str, Conversation], events: Sequence[MessageReceived]
    ) -> None:
        self._ids: set[tuple[int, str]] = set()
        self._contents: dict[tuple[int, str], set[str]] = {}
        if not events:
            return
        pairs = {
            ("conversation_id", "content_key"): _pairs(conversations, events, content_key_of),
            ("conversation_id", "external_id"): _pairs(conversations, events, _id_of),
        }
        for row in select_matching(Message, pairs):
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

    def __init__(
        self, conversations: Mapping[str, Conversation], events: Sequence[MessageReceived]
    ) -> None:
        self._by_conversation: dict[int, list[Delivery]] = {}
        if not events:
            return
        pairs = {
            ("conversation_id", "echo_key"): _pairs(conversations, events, _echo_key_of),
            ("conversation_id", "external_id"): _pairs(conversations, events, _id_of),
        }
        found = select_matching(Delivery, pairs, _MAY_BE_ECHOED)
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
            early = row.sending_at is not None and event.sent_at < row.sending_at - CLOCK_SKEW
            if row.echo_key == key and not other_id and not early:
                return row
        return None
