"""Feeds a frame that could not be read to the recording service once more.

It helps after an upgrade that reads more; a frame that still cannot be stored stays a dead letter,
and the outcome says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DataError, transaction
from django.utils import timezone

from conversations.genesys.events import (
    Event,
    Ignored,
    Malformed,
    MessageRead,
    MessageReceived,
    TypingChanged,
)
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.models import (
    Conversation,
    DeadLetter,
    DeadLetterBody,
    JournalEntry,
    Message,
    StreamState,
)
from conversations.services.decisions import Outcome, commit
from conversations.services.recognition import content_key_of
from conversations.services.recording import record_events
from conversations.services.replays import refused, said
from conversations.services.unit import Plain, Unit

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_PROTOCOLS = {StreamState.Kind.MESSAGING.value: MessagingProtocol}


class _CannotReplay(Exception):
    """Its text says why; nothing has been changed."""


def replay_frame(letter: DeadLetter, *, user: AbstractBaseUser) -> Outcome:
    """Store the frame as if it arrived now, and journal whose decision that was."""
    try:
        with transaction.atomic():
            return _replay(letter, user)
    except _CannotReplay as obstacle:
        return Outcome(False, f"{said(letter)}: not replayed. {obstacle}")
    except DataError:
        return Outcome(False, f"{said(letter)}: not replayed. The database refuses it.")


def _replay(letter: DeadLetter, user: AbstractBaseUser) -> Outcome:
    if not letter.decide(DeadLetter.Decision.REPLAYED, user_id=user.pk, now=timezone.now()):
        return refused(letter)
    event = _read_again(letter)
    recorded = record_events([event], stream=letter.stream)
    if isinstance(event, MessageRead) and not recorded.moved:
        raise _CannotReplay("It is a read mark of a message that is unknown, or read already.")
    conversation = Conversation.objects.get(external_id=event.conversation_id)
    message_id = _message_of(event, conversation)
    # From now on the letter has a place.
    rows = DeadLetter.objects.filter(pk=letter.pk)
    rows.update(conversation=conversation, message_id=message_id)
    commit([_NoteReplay(conversation.pk, message_id, letter.pk)], user=user)
    was_known = " It was stored already." if recorded.repeated else ""
    return Outcome(True, f"{said(letter)}: replayed.{was_known}")


def _read_again(letter: DeadLetter) -> MessageReceived | MessageRead:
    if letter.stream not in _PROTOCOLS:
        raise _CannotReplay(f"Nothing here reads frames of the stream {letter.stream or '?'}.")
    kept = DeadLetterBody.objects.filter(dead_letter=letter).first()
    if kept is None:
        raise _CannotReplay("Its body has been erased.")
    body = bytes(kept.body)
    if len(body) < letter.size:
        raise _CannotReplay("Only its beginning was kept.")
    try:
        event: Event = _PROTOCOLS[letter.stream]().frame_received(body.decode())
    except UnicodeDecodeError:
        raise _CannotReplay("It is no text.") from None
    match event:
        case MessageReceived() | MessageRead():
            return event
        case Malformed():
            raise _CannotReplay(f"It still cannot be read: {event.reason}.")
        case Ignored():
            raise _CannotReplay("Its type is unknown to this version: there is nothing to store.")
        case TypingChanged():
            raise _CannotReplay("It says that somebody types, which is never stored.")
    raise _CannotReplay("Its stream's frames are not stored again from here.")


def _message_of(event: MessageReceived | MessageRead, conversation: Conversation) -> int | None:
    messages = Message.objects.filter(conversation=conversation)
    if isinstance(event, MessageRead):
        same = messages.filter(external_id=event.message_id)
    else:
        same = messages.filter(content_key=content_key_of(event))
        if event.external_id and not same.exists():
            same = messages.filter(external_id=event.external_id)
    return same.order_by("-pk").values_list("pk", flat=True).first()


@dataclass(frozen=True, slots=True)
class _NoteReplay(Plain):
    """Whose decision it was, beside what the recording wrote."""

    conversation_id: int
    message_id: int | None
    letter_id: int
    owner: str = ""

    def apply(self, unit: Unit) -> Outcome:
        unit.ledger.enter(
            unit.conversation(self),
            JournalEntry.Kind.REPLAYED,
            message=self.message_id,
            data={"dead_letter": self.letter_id, "of": DeadLetter.Kind.FRAME.value},
        )
        return Outcome(True, "")
