"""Attachments of recorded messages: rows to store, what binds the journal to them, and readings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from conversations.genesys.events import MessageReceived
from conversations.models import Message, MessageAttachment
from conversations.services.journal import commitment, new_salt


def attachments_of(event: MessageReceived, message: Message) -> list[MessageAttachment]:
    """Rows for the files that came with `event`; their message has no key yet."""
    return [
        MessageAttachment(
            message=message,
            position=position,
            external_id=one.id,
            name=one.name,
            content_type=one.content_type,
            size=one.size,
            url=one.url,
            salt=new_salt(),
        )
        for position, one in enumerate(event.attachments)
    ]


def commitment_to(attachment: MessageAttachment) -> str:
    """Over salt and the canonical JSON of id, name, type and size."""
    facts = [attachment.external_id, attachment.name, attachment.content_type, attachment.size]
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return commitment(bytes(attachment.salt), text)


def shown_attachments(message_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """By message, in their order: name, content type, size, and where a browser may fetch it."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = (
        MessageAttachment.objects.filter(message_id__in=message_ids)
        .order_by("message_id", "position")
        .values_list("message_id", "name", "content_type", "size", "url")
    )
    for message_id, name, content_type, size, url in rows:
        found[message_id].append(
            {"name": name, "content_type": content_type, "size": size, "url": _web_address(url)}
        )
    return found


def _web_address(url: str) -> str | None:
    """TRAP: a guest's side chose it; `javascript:` and its like are no addresses."""
    return url if url.startswith(("https://", "http://")) else None
