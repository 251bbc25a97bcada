"""Histories of conversations for the tests of the live pages, written straight into the tables.

What happens is a list of (step, which message); the journal gets its entry as services write it.
"""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import (
    Agent,
    AttributeAudit,
    Conversation,
    Delivery,
    JournalEntry,
    Message,
    MessageText,
)
from tests.conversations import histories

_numbers = itertools.count(1)
KIND = JournalEntry.Kind


def a_user(name: str, group: str = "", *, agent_id: str = "") -> User:
    """There before the journal began: no entry says so."""
    user = histories.user(name, *filter(None, [group]), password="a-pass-phrase-of-the-tests")
    if agent_id:
        Agent.objects.bulk_create([Agent(user=user, external_id=agent_id)])
    return user


def a_conversation(external_id: str = "", **fields: Any) -> Conversation:
    now = timezone.now()
    values = {"guest_name": "María", "created_at": now, "last_event_at": now} | fields
    return Conversation.objects.create(external_id=external_id or f"c-{next(_numbers)}", **values)


class History:
    """One conversation, changed step by step."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.messages: list[Message] = []

    def step(self, name: str, which: int = 0) -> None:
        if name in ("guest", "agent"):
            self.say(name)
        elif name == "close":
            self.conversation.state = Conversation.State.CLOSED
            self.conversation.closed_at = timezone.now()
            self._enter(KIND.CLOSED)
        elif self.messages:
            getattr(self, name)(self.messages[which % len(self.messages)])

    def say(self, origin: str = "guest", text: str = "Hola") -> Message:
        message = self._store(origin)
        self._text(message, MessageText.Role.ORIGINAL, text, "es")
        self._enter(KIND.RECEIVED, message, seq=message.seq)
        self.messages.append(message)
        return message

    def say_many(
        self, count: int, text: str = "mensaje {}", *, over: timedelta | None = None
    ) -> None:
        """Many at once, each with its entry; sent one after the other within the last `over`."""
        self._look_at_seq()
        first, now = self.conversation.seq + 1, timezone.now()
        step = (over or timedelta()) / count
        messages = Message.objects.bulk_create(
            Message(
                conversation=self.conversation,
                seq=seq,
                origin="guest" if seq % 2 else "agent",
                external_id=f"many-{seq}",
                sender_name="María" if seq % 2 else "Sam",
                sent_at=now - step * (first + count - seq),
                received_at=now - step * (first + count - seq),
            )
            for seq in range(first, first + count)
        )
        MessageText.objects.bulk_create(
            MessageText(
                message=message,
                role=MessageText.Role.ORIGINAL,
                text=text.format(message.seq),
                language="es",
                salt=b"0" * 16,
            )
            for message in messages
        )
        JournalEntry.objects.bulk_create(
            JournalEntry(
                conversation=self.conversation,
                seq=message.seq,
                kind=KIND.RECEIVED,
                actor="test",
                at=now,
                message=message,
                digest="0",
            )
            for message in messages
        )
        self.messages += messages
        self.conversation.seq += count
        self.conversation.last_event_at = now
        self.conversation.save()

    def translate(self, message: Message) -> None:
        if message.translation_state != Message.TranslationState.PENDING:
            return
        message.translation_state = Message.TranslationState.TRANSLATED
        message.save()
        self._text(message, MessageText.Role.TRANSLATED, "Hello", "en-US")
        Delivery.objects.create(
            conversation=self.conversation,
            message=message,
            direction=Delivery.Direction.GUEST_TO_AGENT,
            echo_key="e",
            created_at=timezone.now(),
        )
        self.conversation.guest_language = "es"
        facts = {"provider": "deepl", "source_language": "es", "target_language": "en-US"}
        self._enter(KIND.TRANSLATED, message, latency_ms=12, from_memory=False, **facts)

    def confirm(self, message: Message) -> None:
        self._deliver(message, Delivery.State.CONFIRMED, KIND.CONFIRMED)

    def doubt(self, message: Message) -> None:
        self._deliver(message, Delivery.State.AMBIGUOUS, KIND.AMBIGUOUS)

    def echo(self, message: Message) -> None:
        """The platform sends our delivery back; the entry is about the echo."""
        delivery = Delivery.objects.filter(message=message, echoed_at__isnull=True).first()
        if delivery is None:
            return
        stored = self._store("injected", echo_of=delivery)
        delivery.echoed_at = timezone.now()
        delivery.confirmed_by = "echo"
        delivery.state = Delivery.State.CONFIRMED
        delivery.save()
        self._enter(KIND.ECHOED, stored, seq=stored.seq)

    def attribute(self, message: Message) -> AttributeAudit:
        now = timezone.now()
        audit = AttributeAudit.objects.create(
            conversation=self.conversation,
            message=message,
            keys=["originalLanguage", "originalText", "translationTimestamp"],
            original_language="ES",
            translation_timestamp=now,
            written_at=now,
            status="written",
            commitment="0",
            text=message.texts.filter(role=MessageText.Role.ORIGINAL).first(),
            before=self.conversation.last_audit,
        )
        self.conversation.last_audit = audit
        self._enter(KIND.ATTRIBUTES_WRITTEN, message, status=200)
        return audit

    def read(self, message: Message) -> None:
        message.read_at = timezone.now()
        message.save()
        self._enter(KIND.READ, message)

    def read_echo(self, message: Message) -> None:
        """An agent reads the translation; the receipt is for the echo."""
        echo = Message.objects.filter(echo_of__message=message).first()
        if echo is not None:
            self.read(echo)

    def refuse(self, message: Message) -> None:
        self._translated(message, Message.TranslationState.FAILED, KIND.TRANSLATION_FAILED)

    def pass_through(self, message: Message) -> None:
        state = Message.TranslationState.PASSED_THROUGH
        self._translated(message, state, KIND.PASSED_THROUGH, source_language="en")

    def fail(self, message: Message) -> None:
        self._deliver(message, Delivery.State.FAILED, KIND.FAILED)

    def expire(self, message: Message) -> None:
        self._deliver(message, Delivery.State.EXPIRED, KIND.EXPIRED)

    def review(self, message: Message) -> None:
        self._deliver(message, Delivery.State.REVIEW, KIND.REVIEW)

    def decide(self, message: Message) -> None:
        """A person has it sent once more."""
        self._deliver(message, Delivery.State.QUEUED, KIND.REQUEUED)

    def drop(self, message: Message) -> None:
        self._deliver(message, Delivery.State.DROPPED, KIND.DROPPED)

    def close_letter(self, message: Message) -> None:
        self._enter(KIND.DEAD_LETTER_CLOSED, message)

    def replay(self, message: Message) -> None:
        """A dead letter of the conversation, about no message of it."""
        self._enter(KIND.REPLAYED)

    def erase(self, message: Message) -> None:
        MessageText.objects.filter(message=message).delete()
        message.has_text = False
        message.save()
        self._enter("erased", message)

    def stray(self, message: Message) -> None:
        """An echo of something that was never ours: an entry that no row shows."""
        stored = self._store("injected")
        self._enter(KIND.RECEIVED, stored, seq=stored.seq)

    def assign(self, message: Message) -> None:
        self.conversation.agent_name = f"Agent {self.conversation.seq}"
        self._enter(KIND.RECEIVED)

    def _translated(self, message: Message, state: str, kind: str, **data: Any) -> None:
        if message.translation_state != Message.TranslationState.PENDING:
            return
        message.translation_state = state
        message.save()
        self._enter(kind, message, **data)

    def _deliver(self, message: Message, state: str, kind: str) -> None:
        if Delivery.objects.filter(message=message).update(state=state):
            self._enter(kind, message)

    def _look_at_seq(self) -> None:
        """Whoever opened its page since has an entry too."""
        self.conversation.refresh_from_db(fields=["seq"])

    def _store(self, origin: str, **fields: Any) -> Message:
        self._look_at_seq()
        self.conversation.seq += 1
        at = timezone.now() + timedelta(microseconds=self.conversation.seq)
        pending = origin in ("guest", "agent")
        return Message.objects.create(
            conversation=self.conversation,
            seq=self.conversation.seq,
            origin=origin,
            external_id=f"m-{next(_numbers)}",
            sender_name=origin,
            sent_at=at,
            received_at=at,
            translation_state=Message.TranslationState.PENDING if pending else "",
            **fields,
        )

    def _text(self, message: Message, role: str, text: str, language: str) -> None:
        MessageText.objects.create(
            message=message, role=role, text=text, language=language, salt=b"0" * 16
        )

    def _enter(
        self, kind: str, message: Message | None = None, *, seq: int | None = None, **data: Any
    ) -> None:
        if seq is None:
            self._look_at_seq()
            self.conversation.seq += 1
        self.conversation.last_event_at = timezone.now()
        self.conversation.save()
        JournalEntry.objects.create(
            conversation=self.conversation,
            seq=seq or self.conversation.seq,
            kind=kind,
            actor="test",
            at=timezone.now(),
            message=message,
            data=json.dumps(data) if data else "",
            digest="0",
        )
