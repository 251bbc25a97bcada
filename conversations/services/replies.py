"""An agent's reply: what was typed, what is delivered, and what the journal binds of both.

The reply is a message of the agent with a delivery to the guest; from then on it is like any
other (`delivery`). Repeating one with the same key finds it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from conversations.keys import content_key
from conversations.models import Conversation, Delivery, JournalEntry, Message, MessageText
from conversations.services.journal import commitment, new_salt
from conversations.services.transitions import queue_delivery
from conversations.services.unit import Unit


@dataclass(frozen=True, slots=True)
class Reply:
    """`target`: the language that it is to be translated into; "" as written."""

    key: str
    agent_id: str
    text: str
    language: str
    target: str


def same_reply(conversation: Conversation, key: str) -> Message | None:
    """The reply of that key, if there is one; the conversation's row is locked by the caller."""
    found = Message.objects.filter(conversation=conversation, external_id="", content_key=_key(key))
    return found.first()


def was_typed(message: Message, text: str) -> bool:
    """Whether it is the same reply, or another under the same key; an erased one is the same."""
    typed = MessageText.objects.filter(message=message, role=MessageText.Role.TYPED).first()
    return typed is None or typed.text == text


def write_reply(
    unit: Unit, conversation: Conversation, reply: Reply, *, state: Message.TranslationState
) -> Message:
    """Stored with the state that its translation has already."""
    text = MessageText(
        role=MessageText.Role.TYPED, language=reply.language, text=reply.text, salt=new_salt()
    )
    message = Message(
        conversation=conversation,
        origin=Message.Origin.AGENT,
        content_key=_key(reply.key),
        sender_id=reply.agent_id,
        sender_name=conversation.agent_name,
        sent_at=unit.now,
        received_at=unit.now,
        has_text=True,
        target_language=reply.target,
        translation_state=state,
    )
    message.seq = unit.ledger.enter(
        conversation,
        JournalEntry.Kind.REPLIED,
        message=message,
        data={"target_language": reply.target},
        commitment=commitment(bytes(text.salt), text.text),
    )
    unit.create(message)
    unit.create_now(message)
    text.message = message
    unit.create(text)
    conversation.last_event_at = max(conversation.last_event_at, unit.now)
    conversation.work_at = unit.now
    return message


def queue_reply(
    unit: Unit,
    conversation: Conversation,
    message: Message,
    *,
    text: str,
    language: str,
    was_edited: bool = False,
) -> Delivery:
    """What is posted is kept as it is posted, also where it equals what was typed or translated."""
    delivered = MessageText(
        message=message,
        role=MessageText.Role.DELIVERED,
        language=language,
        text=text,
        salt=new_salt(),
    )
    unit.create(delivered)
    unit.ledger.enter(
        conversation,
        JournalEntry.Kind.QUEUED,
        message=message,
        data={"edited": was_edited, "language": language},
        commitment=commitment(bytes(delivered.salt), text),
    )
    return queue_delivery(unit, message, text=text)


def _key(key: str) -> str:
    return content_key("reply", key)
