"""Conversations made of hostile texts, written in bulk straight into the tables."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetter,
    DeadLetterBody,
    Delivery,
    JournalEntry,
    Message,
    MessageText,
    StreamState,
)
from tests.conversations.live.histories import a_conversation
from tests.hostile import NAMES
from translation.models import ProviderState, Translation

ROLE, KIND = MessageText.Role, JournalEntry.Kind
_names = itertools.cycle(NAMES)


def some_name() -> str:
    return next(_names)


def say_all(conversation: Conversation, texts: Sequence[str]) -> list[Message]:
    """Each as what was said, as its translation and as what was delivered, under every name."""
    now = timezone.now()
    first = conversation.seq + 1
    messages = Message.objects.bulk_create(
        Message(
            conversation=conversation,
            seq=first + 2 * number,
            origin=("guest", "agent")[number % 2],
            external_id=f"{number}{some_name()}"[:200],
            sender_name=some_name(),
            sender_id=some_name(),
            sent_at=now,
            received_at=now,
            translation_state="translated",
            translation_reason=some_name(),
        )
        for number in range(len(texts))
    )
    MessageText.objects.bulk_create(
        MessageText(message=message, role=role, text=text, language="es", salt=b"0" * 16)
        for message, text in zip(messages, texts, strict=True)
        for role in (ROLE.ORIGINAL, ROLE.TRANSLATED, ROLE.DELIVERED)
    )
    Delivery.objects.bulk_create(
        Delivery(
            conversation=conversation,
            message=message,
            direction="guest_to_agent",
            state="review",
            reason=some_name(),
            attempts=1,
            echo_key="e",
            created_at=now,
        )
        for message in messages
    )
    audits = AttributeAudit.objects.bulk_create(
        AttributeAudit(
            conversation=conversation,
            message=message,
            keys=["originalText", some_name()],
            original_language="ES",
            translation_timestamp=now,
            written_at=now,
            status="failed",
            answer=some_name(),
            commitment="0",
            text=text,
        )
        for message, text in zip(
            messages,
            MessageText.objects.filter(message__in=messages, role=ROLE.ORIGINAL).order_by("pk"),
            strict=True,
        )
    )
    Translation.objects.bulk_create(
        Translation(
            message=message,
            provider=some_name()[:32],
            target_language="en-US",
            latency_ms=1,
            created_at=now,
        )
        for message in messages
    )
    JournalEntry.objects.bulk_create(
        JournalEntry(
            conversation=conversation,
            seq=message.seq + step,
            kind=kind,
            actor=some_name()[:100],
            at=now,
            message=message,
            data=json.dumps({"provider": some_name()}) if kind == KIND.TRANSLATED else "",
            digest="0",
        )
        for message in messages
        for step, kind in enumerate((KIND.RECEIVED, KIND.TRANSLATED))
    )
    assert len(audits) == len(texts)
    conversation.seq = messages[-1].seq + 1
    conversation.last_event_at = now
    conversation.save()
    return messages


def a_full_floor(count: int) -> list[Conversation]:
    """Conversations whose ids, guests and agents are hostile; each with a last word."""
    now = timezone.now()
    made = Conversation.objects.bulk_create(
        Conversation(
            external_id=NAMES[number],
            guest_name=NAMES[-1 - number],
            guest_id=NAMES[number],
            agent_name=NAMES[-1 - number],
            agent_id=NAMES[number],
            created_at=now,
            last_event_at=now,
            seq=1,
        )
        for number in range(count)
    )
    messages = Message.objects.bulk_create(
        Message(
            conversation=conversation,
            seq=1,
            origin="guest",
            external_id="m",
            sender_name=conversation.guest_name,
            sent_at=now,
            received_at=now,
        )
        for conversation in made
    )
    MessageText.objects.bulk_create(
        MessageText(message=message, role=ROLE.ORIGINAL, text=NAMES[number], salt=b"0" * 16)
        for number, message in enumerate(messages)
    )
    return made


def letters(texts: Sequence[str]) -> list[DeadLetter]:
    now = timezone.now()
    conversations = [a_conversation(f"{n}/{some_name()}"[:200]) for n in range(3)]
    made = DeadLetter.objects.bulk_create(
        DeadLetter(
            kind="frame",
            stream=text[:100],
            reason=text[:200],
            conversation=conversations[number % 3] if number % 2 else None,
            created_at=now,
        )
        for number, text in enumerate(texts)
    )
    DeadLetterBody.objects.bulk_create(
        DeadLetterBody(dead_letter=letter, body=text.encode())
        for letter, text in zip(made, texts, strict=True)
    )
    return made


def surroundings(user: User) -> None:
    """Streams, providers, and what the admin wrote down about a user."""
    now = timezone.now()
    StreamState.objects.bulk_create(
        StreamState(kind="messaging", key=f"{n}{NAMES[n]}"[:200], reason=NAMES[n][:200], owner="g")
        for n in range(0, len(NAMES), 5)
    )
    ProviderState.objects.bulk_create(
        ProviderState(name=f"{n}{NAMES[n]}"[:32], state="open", reason=NAMES[n], since=now)
        for n in range(0, len(NAMES), 5)
    )
    about = ContentType.objects.get_for_model(User)
    LogEntry.objects.bulk_create(
        LogEntry(
            user=user,
            content_type=about,
            object_id=str(user.pk),
            object_repr=name[:200],
            action_flag=CHANGE,
            change_message=name,
        )
        for name in NAMES[:90]
    )
