"""Conversations for tests, written by the services that write them in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import connection

from conversations.genesys.events import Malformed, MessageReceived, Participant
from conversations.models import Conversation, Delivery, Message
from conversations.services.attributes import RecordAttributes
from conversations.services.delivery import Confirm, Settle
from conversations.services.recording import record_events
from conversations.services.unit import apply_changes
from translation.services import FailTranslation, Made, PassThrough, RecordTranslation


def said(
    text: str,
    *,
    conversation: str = "conv-1",
    by: str = "guest",
    number: int = 1,
    sent_at: datetime | None = None,
) -> Message:
    """A message as it is recorded from the platform's socket."""
    name = {"guest": "Maria", "agent": "Tom"}[by]
    event = MessageReceived(
        conversation_id=conversation,
        external_id=f"{conversation}-{by}-{number}",
        sender=Participant(f"{by}-1", by, name),  # type: ignore[arg-type]
        recipient=None,
        text=text,
        sent_at=sent_at or datetime.now(UTC),
        raw={},
    )
    record_events([event], stream="messaging")
    return Message.objects.get(external_id=event.external_id)


def not_understood(raw: bytes, *, reason: str = "not JSON") -> None:
    record_events([Malformed(raw=raw, reason=reason, size=len(raw))], stream="messaging")


def translated(message: Message, text: str, *, language: str = "es") -> Delivery:
    """A translation on its way: its delivery is in state sending."""
    apply_changes(
        [RecordTranslation(message.conversation_id, message.pk, "", _made(text, language), True)],
        actor="worker",
    )
    return Delivery.objects.get(message=message)


def passed_through(message: Message) -> None:
    made = _made("", "en")
    apply_changes([PassThrough(message.conversation_id, message.pk, "", made)], actor="worker")


def not_translated(message: Message, *, reason: str = "text refused") -> None:
    change = FailTranslation(message.conversation_id, message.pk, "", reason)
    apply_changes([change], actor="worker")


def delivered(message: Message, text: str, *, language: str = "es") -> None:
    """Translated, confirmed, and its attributes written."""
    translated(message, text, language=language)
    where = (message.conversation_id, message.pk, "")
    written = RecordAttributes(
        *where,
        original_language=language.upper(),
        target_language="en-US",
        translation_timestamp=message.received_at + timedelta(milliseconds=120),
        http_status=200,
    )
    apply_changes([Confirm(*where, by="answer", external_id=f"x-{message.pk}")], actor="worker")
    apply_changes([written], actor="worker")


def left_in(message: Message, state: Delivery.State, *, reason: str) -> None:
    change = Settle(message.conversation_id, message.pk, "", state, reason)
    apply_changes([change], actor="worker")


def conversation(external_id: str = "conv-1", *, messages: int = 3) -> Conversation:
    """A guest who wrote `messages` times, all delivered."""
    for number in range(1, messages + 1):
        message = said(f"Hola {number}", conversation=external_id, number=number)
        delivered(message, f"Hello {number}")
    return Conversation.objects.get(external_id=external_id)


def user(name: str, *groups: str, password: str | None = None, **fields: Any) -> User:
    """Somebody with these roles, who was there before the journal began: no entry says so.

    Without a password, for hashing one takes half a second.
    """
    new = User(username=name, password=make_password(password), **fields)
    [created] = User.objects.bulk_create([new])
    put_into_groups(created, *groups)
    return User.objects.get(pk=created.pk)


def put_into_groups(user: User, *names: str) -> None:
    Group.objects.bulk_create([Group(name=name) for name in names], ignore_conflicts=True)
    through = User.groups.through
    found = Group.objects.filter(name__in=names)
    through.objects.bulk_create([through(user=user, group=group) for group in found])


def tamper(statement: str, parameters: Sequence[Any] = ()) -> None:
    """As the owner of the database who has switched the triggers off."""
    with connection.cursor() as cursor:
        _drop_triggers(cursor)
        cursor.execute(statement, list(parameters))


def _drop_triggers(cursor: Any) -> None:
    """For this test alone: its transaction is rolled back."""
    if connection.vendor == "sqlite":
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
        return
    cursor.execute(
        "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal"
    )
    for name, table in cursor.fetchall():
        cursor.execute(f'DROP TRIGGER "{name}" ON "{table}"')


def _made(text: str, language: str) -> Made:
    return Made(
        text=text,
        source_language=language,
        target_language="en-US",
        provider="deepl",
        latency_ms=84,
    )
