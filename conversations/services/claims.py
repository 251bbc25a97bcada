"""Messages that only a conversation's transcript has brought, and the org socket's events that
turn out to be the same (protocol §3).

The usual batch pays one look at a flag of rows that it has read anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from conversations.genesys.events import MessageReceived
from conversations.models import Conversation, Message, MessageCopy, MessageText
from conversations.models.bulk import update
from conversations.models.trip import Trip
from conversations.services.sameness import WINDOW, is_same_text, nearness

_CHANGED = (
    "origin", "external_id", "content_key", "sender_id", "sender_name", "sent_at", "backfilled",
    "translation_state", "echo_of",
)  # fmt: skip


class LoneCopies:
    """One to one: what is claimed is gone."""

    def __init__(
        self, conversations: Iterable[Conversation], found: Iterable[tuple[Message, str]]
    ) -> None:
        self._conversations = {row.pk: row for row in conversations}
        self._found = list(found)
        self._keys = {message.pk for message, _ in self._found}

    def left_out_of(self, known: list[Message]) -> list[Message]:
        """A message that may be claimed does not make the claiming event a repeated one."""
        return [row for row in known if row.pk not in self._keys] if self._keys else known

    def claim(
        self, conversation: Conversation, event: MessageReceived, *, by_text: bool
    ) -> Message | None:
        """By id where both have one, else by direction and text within the window."""
        same = [
            one
            for one in self._found
            if one[0].conversation_id == conversation.pk and one[0].origin == event.sender.type
        ]
        found = next(
            (one for one in same if event.external_id and one[0].external_id == event.external_id),
            None,
        )
        if found is None and by_text:
            fitting = [one for one in same if _fits(one, event)]
            found = min(
                fitting, key=lambda one: nearness(one[0].sent_at, event.sent_at), default=None
            )
        if found is None:
            return None
        self._found.remove(found)
        return found[0]

    def write_claims(self, trip: Trip, claimed: Sequence[tuple[Message, str]]) -> None:
        """`claimed` with the content keys that the rows still have; flags follow."""
        update(
            trip,
            [message for message, _ in claimed],
            fields=_CHANGED,
            where=[{"content_key": key} for _, key in claimed],
        )
        MessageCopy.objects.filter(message_id__in=[row.pk for row, _ in claimed]).update(
            is_alone=False
        )
        touched = {message.conversation_id for message, _ in claimed}
        rows = MessageCopy.objects.filter(conversation_id__in=touched, is_alone=True)
        left = set(rows.values_list("conversation_id", flat=True).distinct())
        for pk in touched:
            self._conversations[pk].has_copies = pk in left


NO_COPIES = LoneCopies((), ())


def lone_copies(
    conversations: Iterable[Conversation], events: Sequence[MessageReceived]
) -> LoneCopies:
    """Those that `events` may claim; `conversations` are locked."""
    flagged = [row for row in conversations if row.has_copies]
    if not flagged or not events:
        return NO_COPIES
    ids = {event.external_id for event in events if event.external_id}
    first = min(event.sent_at for event in events) - WINDOW
    last = max(event.sent_at for event in events) + WINDOW
    rows = Message.objects.filter(
        Q(sent_at__range=(first, last)) | Q(external_id__in=ids),
        conversation__in=flagged,
        copy__is_alone=True,
    )
    messages = list(rows.order_by("conversation_id", "seq"))
    texts = MessageText.objects.filter(message__in=messages, role=MessageText.Role.ORIGINAL)
    by_message = dict(texts.values_list("message_id", "text"))
    return LoneCopies(flagged, [(row, by_message.get(row.pk, "")) for row in messages])


def _fits(one: tuple[Message, str], event: MessageReceived) -> bool:
    message, text = one
    if message.external_id and event.external_id:
        return False
    is_near = abs(message.sent_at - event.sent_at) <= WINDOW
    return is_near and is_same_text(text, event.text)
