"""What happened on the platform, whichever way it was told. Texts are safe for the database.

Nothing above this module knows which socket or call delivered an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from conversations.genesys.attachments import Attachment

MAX_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Participant:
    """`id` is empty only for a recipient that the platform names by type alone."""

    id: str
    type: Literal["guest", "agent"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    conversation_id: str
    external_id: str | None
    sender: Participant
    recipient: Participant | None
    text: str = field(repr=False)
    sent_at: datetime
    raw: Mapping[str, Any] = field(repr=False)
    backfilled: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class TypingChanged:
    conversation_id: str
    sender: Participant
    state: Literal["active", "inactive"]


@dataclass(frozen=True, slots=True)
class MessageRead:
    conversation_id: str
    sender: Participant
    message_id: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ContextChanged:
    """What the guest's page has said of itself; of it only the language that it prefers."""

    conversation_id: str
    preferred_language: str


@dataclass(frozen=True, slots=True)
class MessageCopied:
    """A message as a conversation's transcript shows it: the guest has no id of its own there.

    `notice`: a system message that tells of something passing, and is not kept.
    """

    conversation_id: str
    external_id: str | None
    origin: Literal["guest", "agent", "system"]
    sender_id: str
    sender_name: str
    text: str = field(repr=False)
    sent_at: datetime
    notice: Literal["", "typing", "read"] = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationUpdated:
    conversation_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConversationClosed:
    conversation_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Malformed:
    """Kept, counted, never fatal. `raw` is the frame's beginning, `size` all of it in bytes."""

    raw: bytes = field(repr=False)
    reason: str
    size: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """A type that this version does not know: counted."""

    type: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message as a guest's own socket tells it. `sender` is "guest" also for what was posted
    in the guest's name."""

    text: str = field(repr=False)
    sequence_id: str | None
    sender: Literal["guest", "agent", "system"]
    sender_name: str = ""
    external_id: str | None = None
    sent_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatTyping:
    """The other side writes."""

    state: Literal["active", "inactive"]


@dataclass(frozen=True, slots=True)
class ChatRead:
    """The other side has read up to `sequence_id`."""

    sequence_id: str


@dataclass(frozen=True, slots=True)
class ChatConnected:
    """The platform's acknowledgement: from now on a guest may speak.

    `history`: what the platform says was said so far, where it says so (None: it does not).
    `early`: what it told before the acknowledgement, in that order.
    """

    conversation_id: str
    session_id: str
    guest_id: str
    history: tuple[ChatMessage, ...] | None = None
    early: tuple[ChatMessage | ChatTyping | ChatRead, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRefused:
    """The platform did not take something that was sent. `code`: what kind, where it says so."""

    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptionReceived:
    """Speech as text: a line that still grows, or its final form. `text` is as it was said."""

    interaction_id: str
    media_at: datetime
    text: str = field(repr=False)
    confidence: float | None
    is_final: bool
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class CodecLeftOut:
    """Transcription of a kind of audio that is not accepted: counted."""

    media_type: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The platform has accepted what was subscribed to."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform said `error`: the stream is not, or no longer, what was asked for."""

    message: str


ChatEvent = ChatMessage | ChatTyping | ChatRead | ChatConnected | ChatRefused
Event = (
    MessageReceived
    | TypingChanged
    | MessageRead
    | ContextChanged
    | MessageCopied
    | ConversationUpdated
    | ConversationClosed
    | TranscriptionReceived
    | CodecLeftOut
    | Subscribed
    | Refused
    | Malformed
    | Ignored
    | ChatEvent
)
