"""Messages side by side: original, translated, delivered. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conversations.exports.facts import Facts, gather
from conversations.models import Delivery, Message, MessageText

LIMIT = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the table shows it; a text that is None is not there."""

    message: Message
    original: MessageText | None  # of a reply what was typed
    translated: MessageText | None
    delivered: MessageText | None
    delivery: Delivery | None
    source_language: str
    target_language: str
    provider: str
    latency_ms: int | None
    attachments: Sequence[dict[str, Any]]

    @property
    def who(self) -> str:
        return self.message.sender_name or self.message.sender_id or self.message.origin

    @property
    def is_erased(self) -> bool:
        return self.message.has_text and self.original is None

    @property
    def is_delivered_as_translated(self) -> bool:
        posted = self.delivery is not None and self.delivery.state == Delivery.State.CONFIRMED
        return posted and self.delivered is None and self.translated is not None


def last_lines(conversation_id: int) -> list[Line]:
    """The last `LIMIT` messages people wrote, oldest first; without the echoes of our own."""
    newest = Message.objects.spoken().filter(conversation_id=conversation_id).order_by("-seq")
    return lines_of(list(newest[:LIMIT])[::-1])


def lines_of(messages: Sequence[Message]) -> list[Line]:
    facts = gather(messages)
    return [_line(message, facts) for message in messages]


def _line(message: Message, facts: Facts) -> Line:
    role = MessageText.Role
    translation = facts.translations.get(message.pk, {})
    return Line(
        message=message,
        original=facts.texts.get((message.pk, role.ORIGINAL))
        or facts.texts.get((message.pk, role.TYPED)),
        translated=facts.texts.get((message.pk, role.TRANSLATED)),
        delivered=facts.texts.get((message.pk, role.DELIVERED)),
        delivery=facts.deliveries.get(message.pk),
        source_language=str(translation.get("source_language") or ""),
        target_language=str(translation.get("target_language") or ""),
        provider=str(translation.get("provider") or ""),
        latency_ms=translation.get("latency_ms"),
        attachments=facts.attachments.get(message.pk, ()),
    )
