"""Stores what the platform delivered, once: the inbox (design.md, the way of a guest's message).

One call is one transaction. It recognises the echoes of our own deliveries, so that nothing we
caused is ever translated (protocol §1, TRAP: the endless loop).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from conversations.genesys.events import (
    ContextChanged,
    Event,
    Malformed,
    MessageRead,
    MessageReceived,
)
from conversations.models import (
    Conversation,
    Delivery,
    JournalEntry,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.models.bulk import Keys, among, ask_rows, insert
from conversations.models.notice import ANYBODY, notify
from conversations.models.trip import Trip
from conversations.services.attachments import attachments_of, commitment_to
from conversations.services.claims import NO_COPIES, lone_copies
from conversations.services.echoes import Echoes
from conversations.services.guest_erasure import said_before_erasure
from conversations.services.journal import Ledger, commitment, new_salt
from conversations.services.notes import Note, store_note
from conversations.services.quarantine import quarantine
from conversations.services.recognition import (
    CLOCK_SKEW,
    KnownEvents,
    ask_awaited,
    ask_known,
    ask_sent_again,
    content_key_of,
)

_ACTOR = "gateway"
_ORIGINS = {"guest": Message.Origin.GUEST, "agent": Message.Origin.AGENT}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one batch did: journals that moved, and whether a worker has something to do."""

    moved: list[tuple[int, int]] = field(default_factory=list)
    stored: int = 0
    repeated: int = 0
    echoes: int = 0
    malformed: int = 0
    work: bool = False
    busy: frozenset[str] = frozenset()


def record_events(events: Sequence[Event], *, stream: str, skip_busy: bool = False) -> Recorded:
    """Store a batch of `events` in their order; repeated ones are recognised and left out.

    With `skip_busy` the events of a conversation that another process changes now are not
    stored; the result names those (external ids), never all of them.
    """
    now = timezone.now()
    with transaction.atomic():
        malformed = [event for event in events if isinstance(event, Malformed)]
        messages = [event for event in events if isinstance(event, MessageReceived)]
        notes = [event for event in events if isinstance(event, MessageRead | ContextChanged)]
        quarantine(malformed, stream=stream, now=now)
        batch = _Batch(messages, notes, now=now, skip_busy=skip_busy)
        batch.store()
        return batch.result(malformed=len(malformed))


class _Batch:
    """The messages of one transaction, their conversations locked."""

    def __init__(
        self,
        events: list[MessageReceived],
        notes: list[Note],
        *,
        now: datetime,
        skip_busy: bool,
    ) -> None:
        self.now = now
        self.ledger = Ledger(actor=_ACTOR, now=now)
        self.conversations: dict[str, Conversation] = {}
        self.busy: set[str] = set()
        self.of_erased: list[MessageReceived] = []  # what begins no conversation again
        self._read(events, notes, skip_busy=skip_busy)
        self.events = [
            one
            for one in events
            if one.conversation_id not in self.busy and one not in self.of_erased
        ]
        self.notes = [one for one in notes if one.conversation_id not in self.busy]
        self.new: list[tuple[Message, MessageReceived]] = []
        self.texts: list[MessageText] = []
        self.attachments: list[MessageAttachment] = []
        self.claimed: list[tuple[Message, str]] = []  # with the content key it had
        self.moved: list[tuple[int, int]] = []
        self.repeated = 0
        self.called: dict[str, set[int]] = {}  # by worker the conversations with work for it

    def _read(self, events: list[MessageReceived], notes: list[Note], *, skip_busy: bool) -> None:
        """Lock the conversations, and see what is known of these events: one trip, as a rule."""
        spoken = dict.fromkeys(event.conversation_id for event in events)
        wanted = [*(spoken | dict.fromkeys(note.conversation_id for note in notes))]
        if not wanted:
            self._look(events, [], skip_busy=False)
            return
        self._look(events, wanted, skip_busy=skip_busy and len(wanted) > 1)
        missing = [name for name in wanted if name not in self.conversations]
        if not missing:
            return
        there = _existing(missing)
        new = [name for name in spoken if name in missing and name not in there]
        if new:
            self.of_erased = said_before_erasure(events, new)
            left = {one.conversation_id for one in events if one not in self.of_erased}
            new = [name for name in new if name in left]
        if new:
            # Another gateway may create the same one now: the unique key decides, nobody fails.
            Conversation.objects.bulk_create(
                [
                    Conversation(external_id=name, created_at=self.now, last_event_at=self.now)
                    for name in new
                ],
                ignore_conflicts=True,
            )
        elif skip_busy and not self.conversations:
            new = missing[:1]  # all are busy: the first is waited for, so that something moves
        # Made by somebody else since the first look: whoever leaves nobody out waits for them.
        again = new if skip_busy else [*new, *sorted(there)]
        if again:
            self._look(events, [*self.conversations, *again], skip_busy=False)
        self.busy = there - self.conversations.keys()

    def _look(self, events: list[MessageReceived], wanted: list[str], *, skip_busy: bool) -> None:
        trip = Trip()
        these = among("external_id", wanted)
        locked = ask_rows(trip, Conversation, *these, lock=True, skip_locked=skip_busy)
        known, awaited = ask_known(trip, events), ask_awaited(trip, events)
        sent_again = ask_sent_again(trip, events)
        self.keys = Keys(trip, Message, len(events))
        trip.go()
        self.conversations = {row.external_id: row for row in locked.value}
        self.copies = lone_copies(locked.value, events)
        self.known = KnownEvents(self.copies.left_out_of(known.value))
        self.echoes = Echoes(
            awaited.value,
            sent_again.value,
            ledger=self.ledger,
            now=self.now,
            call_worker=self._call_worker,
        )

    def store(self) -> None:
        trip = Trip()
        for event in self.events:
            self._store_message(event)
        messages = [message for message, _ in self.new]
        for message in messages:
            self.keys.give(message)
        insert(trip, messages)
        for text in self.texts:
            text.message_id = text.message.pk
        insert(trip, self.texts)
        for attachment in self.attachments:
            attachment.message_id = attachment.message.pk
        insert(trip, self.attachments)
        self.echoes.write(trip)
        if self.claimed:
            self.copies.write_claims(trip, self.claimed)
        if self.notes:
            trip.go()  # a receipt may be for a message of this batch
            for note in self.notes:
                # Of a conversation that is not known it is of no use to anyone.
                if conversation := self.conversations.get(note.conversation_id):
                    store_note(self.ledger, conversation, note)
        self.moved = self.ledger.write(trip)
        notify(trip, self.called)
        trip.end()

    def result(self, *, malformed: int) -> Recorded:
        return Recorded(
            moved=self.moved,
            stored=sum(message.echo_of_id is None for message, _ in self.new),
            repeated=self.repeated,
            echoes=self.echoes.count,
            malformed=malformed,
            work=bool(self.called),
            busy=frozenset(self.busy),
        )

    def _store_message(self, event: MessageReceived) -> None:
        conversation = self.conversations[event.conversation_id]
        key = content_key_of(event)
        if self.known.is_repeated(conversation, event, key):
            self.repeated += 1
            return
        origin = _ORIGINS[event.sender.type]
        cause, is_twice = self.echoes.cause_of(conversation, event, origin)
        if cause is None and conversation.is_erased_at(event.sent_at + CLOCK_SKEW):
            self.repeated += 1  # what was said then is erased, also what comes late of it
            return
        is_of_erased = cause is not None and conversation.is_erased_at(cause.created_at)
        if self.copies is not NO_COPIES:
            copy = self.copies.claim(conversation, event, by_text=cause is None)
            if copy is not None:
                self._store_claim(conversation, copy, event, key, cause, is_twice=is_twice)
                return
        message = Message(
            conversation=conversation,
            origin=Message.Origin.INJECTED if cause else origin,
            external_id=event.external_id or (cause.external_id if cause and not is_twice else ""),
            content_key=key,
            sender_id=event.sender.id,
            sender_name="" if is_of_erased else event.sender.name,
            sent_at=event.sent_at,
            received_at=self.now,
            backfilled=event.backfilled,
            has_text=bool(event.text.strip()),
            echo_of=cause,
        )
        self._note_participants(conversation, event, origin, is_echo=cause is not None)
        if cause is None:
            self._store_spoken(conversation, message, event)
        elif is_twice:
            self.echoes.store_duplicate(conversation, cause, message)
        else:
            self.echoes.store(conversation, cause, message)
        self.known.add(conversation, message)
        self.new.append((message, event))

    def _store_spoken(
        self, conversation: Conversation, message: Message, event: MessageReceived
    ) -> None:
        text = MessageText(
            message=message, role=MessageText.Role.ORIGINAL, text=event.text, salt=new_salt()
        )
        self.texts.append(text)
        if message.origin == Message.Origin.GUEST and message.has_text:
            message.translation_state = Message.TranslationState.PENDING
            self._call_worker(conversation)
        data: dict[str, object] = {
            "origin": message.origin,
            "external_id": message.external_id,
            "sent_at": message.sent_at.isoformat(),
            "backfilled": message.backfilled,
        }
        data |= self._note_attachments(event, message)
        message.seq = self.ledger.enter(
            conversation,
            JournalEntry.Kind.RECEIVED,
            message=message,
            data=data,
            commitment=commitment(bytes(text.salt), text.text),
        )

    def _store_claim(
        self,
        conversation: Conversation,
        message: Message,
        event: MessageReceived,
        key: str,
        delivery: Delivery | None,
        *,
        is_twice: bool,
    ) -> None:
        """Only the transcript had brought it: from now on it goes the way of any other."""
        self.claimed.append((message, message.content_key))
        message.external_id = event.external_id or message.external_id
        message.content_key = key
        message.sender_id, message.sender_name = event.sender.id, event.sender.name
        message.sent_at, message.backfilled = event.sent_at, event.backfilled
        origin = _ORIGINS[event.sender.type]
        self._note_participants(conversation, event, origin, is_echo=delivery is not None)
        if delivery:
            message.origin, message.echo_of, seq = Message.Origin.INJECTED, delivery, message.seq
            store = self.echoes.store_duplicate if is_twice else self.echoes.store
            store(conversation, delivery, message)
            message.seq = seq
        else:
            if message.origin == Message.Origin.GUEST and message.has_text:
                message.translation_state = Message.TranslationState.PENDING
                self._call_worker(conversation)
            self.ledger.enter(
                conversation,
                JournalEntry.Kind.MATCHED,
                message=message,
                data={
                    "external_id": message.external_id,
                    "sent_at": message.sent_at.isoformat(),
                    "backfilled": message.backfilled,
                    **self._note_attachments(event, message),
                },
            )
        self.known.add(conversation, message)

    def _note_attachments(self, event: MessageReceived, message: Message) -> dict[str, object]:
        """Only the org socket tells of files; the journal binds them."""
        if not event.attachments:
            return {}
        rows = attachments_of(event, message)
        self.attachments += rows
        return {"attachments": [commitment_to(row) for row in rows]}

    def _call_worker(self, conversation: Conversation) -> None:
        conversation.work_at = self.now
        holds = conversation.lease_until is not None and conversation.lease_until > self.now
        owner = conversation.lease_owner if holds else ANYBODY
        self.called.setdefault(owner, set()).add(conversation.pk)

    def _note_participants(
        self,
        conversation: Conversation,
        event: MessageReceived,
        origin: Message.Origin,
        *,
        is_echo: bool,
    ) -> None:
        if not is_echo:
            conversation.last_event_at = max(conversation.last_event_at, event.sent_at)
            # What was said before the end, and comes late, opens nothing again.
            if conversation.closed_at is None or event.sent_at > conversation.closed_at:
                conversation.state, conversation.closed_at = Conversation.State.OPEN, None
        if origin == Message.Origin.GUEST and not is_echo:
            if event.sender.name or event.sender.id != conversation.guest_id:
                conversation.guest_name = event.sender.name
            conversation.guest_id = event.sender.id
            if event.recipient and event.recipient.id and not conversation.agent_id:
                conversation.agent_id = event.recipient.id
        elif origin == Message.Origin.AGENT and (
            # In whose name the platform shows a reply of ours makes nobody else its agent.
            event.sender.id == conversation.agent_id
            or (not is_echo and not self._has_later_agent(conversation, event))
        ):
            if event.sender.name or event.sender.id != conversation.agent_id:
                conversation.agent_name = event.sender.name
            conversation.agent_id = event.sender.id

    def _has_later_agent(self, conversation: Conversation, event: MessageReceived) -> bool:
        """Whether another agent has spoken after `event`, which comes late; rarely asked."""
        if not conversation.agent_id or event.sent_at >= conversation.last_event_at:
            return False
        if any(
            message.conversation_id == conversation.pk
            and message.origin == Message.Origin.AGENT
            and message.sender_id != event.sender.id
            and message.sent_at > event.sent_at
            for message, _ in self.new
        ):
            return True
        rows = Message.objects.filter(
            conversation=conversation, origin=Message.Origin.AGENT, sent_at__gt=event.sent_at
        )
        # A transcript names agents by ids of its own.
        return rows.exclude(sender_id=event.sender.id).exclude(copy__is_alone=True).exists()


def _existing(external_ids: Iterable[str]) -> set[str]:
    found = Conversation.objects.filter(external_id__in=external_ids)
    return set(found.values_list("external_id", flat=True))
