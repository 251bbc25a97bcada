"""Records what transcript sockets bring, merged with what the org socket brought (protocol §3).

The same message is one message: by id where both have one, else by conversation, direction and
text within 2 s, one to one. Nothing here ever starts a translation: a guest's message that only
the transcript has brought is stored, and translated once the org socket brings it too
(`claims`). What we delivered ourselves is no new message either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.genesys.events import (
    ConversationClosed,
    MessageCopied,
    MessageReceived,
    Participant,
)
from conversations.keys import content_key, echo_key
from conversations.models import Conversation, JournalEntry, Message, MessageCopy, MessageText
from conversations.models.bulk import among, insert_rows, select_rows
from conversations.models.trip import Trip
from conversations.services.closing import close_conversation
from conversations.services.journal import Ledger, commitment, new_salt
from conversations.services.recognition import CLOCK_SKEW, AwaitedEchoes, ask_awaited
from conversations.services.sameness import WINDOW, is_same_text, nearness

CopyEvent = MessageCopied | ConversationClosed

_ACTOR = "gateway"
# How far back in a journal a message can be that was said within the window.
_ENTRIES_BACK = 2_000
_GUEST, _SYSTEM = Message.Origin.GUEST.value, Message.Origin.SYSTEM.value


@dataclass(slots=True)
class Copied:
    """What became of one batch, and which journals moved."""

    moved: list[tuple[int, int]] = field(default_factory=list)
    stored: int = 0
    merged: int = 0
    repeated: int = 0
    closed: int = 0


def record_copies(events: Sequence[CopyEvent]) -> Copied:
    """One transaction. Conversations that are not known are left out: nobody can watch them."""
    with transaction.atomic():
        return _Batch(events).store()


class _Batch:
    def __init__(self, events: Sequence[CopyEvent]) -> None:
        self.now = timezone.now()
        self.ledger = Ledger(actor=_ACTOR, now=self.now)
        self.events = events
        copied = [event for event in events if isinstance(event, MessageCopied)]
        names = dict.fromkeys(event.conversation_id for event in events)
        rows = select_rows(Conversation, *among("external_id", names), lock=True)
        self.conversations = {row.external_id: row for row in rows}
        self.known = _Known(self.conversations, copied)
        self.echoes = _awaited(copied)
        self.result = Copied()
        self.new: list[Message] = []
        self.texts: list[MessageText] = []
        self.copies: list[MessageCopy] = []

    def store(self) -> Copied:
        for event in self.events:
            conversation = self.conversations.get(event.conversation_id)
            if conversation is None:
                continue
            if isinstance(event, ConversationClosed):
                self.result.closed += close_conversation(
                    self.ledger, conversation, at=event.at, reason="closed by the platform"
                )
            else:
                self._store(conversation, event)
        insert_rows(self.new)
        for text in self.texts:
            text.message_id = text.message.pk
        insert_rows(self.texts)
        for copy in self.copies:
            copy.message_id = copy.message.pk
        insert_rows(self.copies)
        self.result.moved = self.ledger.flush()
        return self.result

    def _store(self, conversation: Conversation, event: MessageCopied) -> None:
        key = _key_of(event)
        if not self.known.is_new(conversation, key):
            self.result.repeated += 1
            return
        message = self.known.same_message(conversation, event)
        if message is not None:
            self._note_copy(conversation, message, key)
            self.result.merged += 1
        elif self._is_ours(conversation, event):
            self.result.merged += 1
        elif conversation.is_erased_at(event.sent_at + CLOCK_SKEW):
            self.result.repeated += 1  # it is erased, also what comes late of it
        else:
            self._store_alone(conversation, event, key)
            self.result.stored += 1

    def _is_ours(self, conversation: Conversation, event: MessageCopied) -> bool:
        """A delivery whose echo the org socket has not brought yet: it is on its way."""
        if event.origin == _SYSTEM:
            return False
        if self.known.is_delivered_id(conversation, event):
            return True
        return self.echoes.match(conversation, _as_received(event), _origin(event)) is not None

    def _store_alone(self, conversation: Conversation, event: MessageCopied, key: str) -> None:
        is_guest = event.origin == _GUEST
        message = Message(
            conversation=conversation,
            origin=event.origin,
            external_id=event.external_id or "",
            content_key=key,
            sender_id=(is_guest and conversation.guest_id) or event.sender_id,
            sender_name=event.sender_name or (conversation.guest_name if is_guest else ""),
            sent_at=event.sent_at,
            received_at=self.now,
            has_text=bool(event.text.strip()),
        )
        text = MessageText(
            message=message, role=MessageText.Role.ORIGINAL, text=event.text, salt=new_salt()
        )
        message.seq = self.ledger.enter(
            conversation,
            JournalEntry.Kind.RECEIVED,
            message=message,
            data={
                "origin": message.origin,
                "external_id": message.external_id,
                "sent_at": message.sent_at.isoformat(),
                "backfilled": False,
                "by": "transcript",
            },
            commitment=commitment(bytes(text.salt), text.text),
        )
        conversation.last_event_at = max(conversation.last_event_at, event.sent_at)
        self.new.append(message)
        self.texts.append(text)
        # The org socket brings no system message: nothing will claim one.
        is_alone = event.origin != _SYSTEM
        conversation.has_copies = conversation.has_copies or is_alone
        self._note_copy(conversation, message, key, is_alone=is_alone)

    def _note_copy(
        self, conversation: Conversation, message: Message, key: str, *, is_alone: bool = False
    ) -> None:
        self.copies.append(
            MessageCopy(conversation=conversation, message=message, key=key, is_alone=is_alone)
        )


class _Known:
    """Messages that copies may be of, and copies that have been seen."""

    def __init__(
        self, conversations: dict[str, Conversation], events: Sequence[MessageCopied]
    ) -> None:
        keys = [_key_of(event) for event in events]
        rows = MessageCopy.objects.filter(
            conversation__in=list(conversations.values()), key__in=keys
        )
        self._keys = set(rows.values_list("conversation_id", "key"))
        self._messages = _candidates(conversations, events)
        texts = MessageText.objects.filter(
            message__in=self._messages, role=MessageText.Role.ORIGINAL
        )
        self._texts = dict(texts.values_list("message_id", "text"))
        taken = MessageCopy.objects.filter(message__in=self._messages)
        self._taken = set(taken.values_list("message_id", flat=True))

    def is_new(self, conversation: Conversation, key: str) -> bool:
        if (conversation.pk, key) in self._keys:
            return False
        self._keys.add((conversation.pk, key))
        return True

    def same_message(self, conversation: Conversation, event: MessageCopied) -> Message | None:
        """One to one: a message whose copy was seen is nobody else's."""
        mine = [
            row
            for row in self._messages
            if row.conversation_id == conversation.pk and row.pk not in self._taken
        ]
        found = next((row for row in mine if _has_id(row, event)), None)
        if found is None:
            fitting = [row for row in mine if self._fits(row, event)]
            found = min(fitting, key=lambda row: nearness(row.sent_at, event.sent_at), default=None)
        if found is not None:
            self._taken.add(found.pk)
        return found

    def is_delivered_id(self, conversation: Conversation, event: MessageCopied) -> bool:
        """The id that a POST of ours was answered with."""
        if not event.external_id:
            return False
        return conversation.deliveries.filter(external_id=event.external_id).exists()

    def _fits(self, row: Message, event: MessageCopied) -> bool:
        if row.external_id and event.external_id:
            return False
        if abs(row.sent_at - event.sent_at) > WINDOW:
            return False
        if row.origin == Message.Origin.INJECTED:
            delivery = row.echo_of
            is_guests = delivery is not None and delivery.direction == "guest_to_agent"
            sides = event.origin == ("guest" if is_guests else "agent")
            return delivery is not None and sides and delivery.echo_key == echo_key(event.text)
        return row.origin == event.origin and is_same_text(self._texts.get(row.pk, ""), event.text)


def _candidates(
    conversations: dict[str, Conversation], events: Sequence[MessageCopied]
) -> list[Message]:
    near = Q()
    for name, conversation in conversations.items():
        mine = [event for event in events if event.conversation_id == name]
        if not mine:
            continue
        first = min(event.sent_at for event in mine) - WINDOW
        last = max(event.sent_at for event in mine) + WINDOW
        ids = [event.external_id for event in mine if event.external_id]
        near |= Q(
            conversation=conversation,
            seq__gt=conversation.seq - _ENTRIES_BACK,
            sent_at__range=(first, last),
        ) | Q(conversation=conversation, external_id__in=ids)
    if not near:
        return []
    rows = Message.objects.filter(near).select_related("echo_of")
    return list(rows.order_by("conversation_id", "seq"))


def _has_id(row: Message, event: MessageCopied) -> bool:
    return bool(event.external_id) and row.external_id == event.external_id


def _key_of(event: MessageCopied) -> str:
    """An id is enough to know a copy again; without one it is known by all that it says."""
    if event.external_id:
        return content_key("copy", event.external_id)
    return content_key("copy", event.origin, event.sender_id, event.sent_at.isoformat(), event.text)


def _awaited(events: Sequence[MessageCopied]) -> AwaitedEchoes:
    trip = Trip()
    spoken = [_as_received(event) for event in events if event.origin != _SYSTEM]
    awaited = ask_awaited(trip, spoken)
    trip.go()
    return AwaitedEchoes(awaited.value)


def _as_received(event: MessageCopied) -> MessageReceived:
    """For the matcher of echoes, which asks for id, text and time."""
    return MessageReceived(
        conversation_id=event.conversation_id,
        external_id=event.external_id,
        sender=Participant(event.sender_id, "guest" if event.origin == _GUEST else "agent"),
        recipient=None,
        text=event.text,
        sent_at=event.sent_at,
        raw={},
    )


def _origin(event: MessageCopied) -> Message.Origin:
    return Message.Origin(event.origin)
