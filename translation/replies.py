"""What a web process commits of an agent's reply, with its translation where that was previewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conversations.models import Conversation, Message
from conversations.services.decisions import at_time, commit
from conversations.services.replies import (
    Reply,
    queue_reply,
    same_reply,
    was_typed,
    write_reply,
)
from conversations.services.unit import Plain, Unit
from translation.services import Made, keep_translation

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_NOT_YOURS = (
    "This conversation is no longer yours, so nothing was sent. Copy your text and give it to the "
    "agent who has it now."
)


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the provider made, and what the agent made of that."""

    made: Made
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """`message_id` None: nothing was sent, and `words` say why and what to do."""

    message_id: int | None
    words: str = ""
    is_new: bool = False
    is_another: bool = False  # the key's reply was sent, and is not this one


def send_reply(
    conversation_id: int, reply: Reply, previewed: Previewed | None, *, user: AbstractBaseUser
) -> Sent:
    """Have `reply` delivered; sent before with the same key, it is that one."""
    (sent,) = commit([SendReply(conversation_id, reply, previewed)], user=user)
    assert isinstance(sent, Sent)  # noqa: S101 - what SendReply answers
    return sent


def sent_before(conversation: Conversation, key: str, text: str) -> Sent | None:
    """What became of the reply of that key, if it was sent."""
    before = same_reply(conversation, key)
    if before is None:
        return None
    if was_typed(before, text):
        return Sent(before.pk)
    return Sent(
        None,
        "This reply was sent already, as you wrote it first: see the conversation. What you "
        "have changed since was not sent; send it as a reply of its own.",
        is_another=True,
    )


@dataclass(frozen=True, slots=True)
class SendReply(Plain):
    conversation_id: int
    reply: Reply
    previewed: Previewed | None
    owner: str = ""
    message_id: None = None

    def apply(self, unit: Unit) -> Sent:
        conversation = unit.conversation(self)
        before = sent_before(conversation, self.reply.key, self.reply.text)
        if before is not None:
            return before
        if refusal := self._refusal(conversation):
            return Sent(None, refusal)
        message = write_reply(unit, conversation, self.reply, state=self._state())
        self._prepare(unit, conversation, message)
        return Sent(message.pk, is_new=True)

    def _refusal(self, conversation: Conversation) -> str:
        if conversation.agent_id != self.reply.agent_id:
            return _NOT_YOURS
        if conversation.state == Conversation.State.CLOSED:
            ended = f" at {at_time(conversation.closed_at)}" if conversation.closed_at else ""
            return (
                f"The conversation has ended{ended}, so nothing was sent. Your text is kept here."
            )
        return ""

    def _state(self) -> Message.TranslationState:
        states = Message.TranslationState
        if not self.reply.target:
            return states.PASSED_THROUGH
        return states.PENDING if self.previewed is None else states.TRANSLATED

    def _prepare(self, unit: Unit, conversation: Conversation, message: Message) -> None:
        """As far as nobody has to be asked; else a worker translates it."""
        if not self.reply.target:
            text, language = self.reply.text, self.reply.language
            queue_reply(unit, conversation, message, text=text, language=language)
        elif self.previewed is not None:
            made, text = self.previewed.made, self.previewed.text
            keep_translation(unit, conversation, message, made)
            queue_reply(
                unit,
                conversation,
                message,
                text=text,
                language=made.target_language,
                was_edited=text != made.text,
            )
