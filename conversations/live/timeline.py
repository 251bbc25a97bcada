"""What happened to one message: its journal entries with times and durations, and the attributes
that it wrote, before and after. The journal holds no text; the attributes' is read where it lives.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from conversations.live.rows import iso, rows_for
from conversations.models import Conversation, Delivery, JournalEntry, Message, MessageText
from conversations.services.decisions import name_of

MAX_ENTRIES = 200


def timeline_of(conversation_pk: int, message_pk: int) -> dict[str, Any] | None:
    """None where there is no such message in the conversation; an echo is none."""
    head = Conversation.objects.values_list("seq", flat=True).get(pk=conversation_pk)
    messages = Message.objects.spoken().filter(conversation_id=conversation_pk, pk=message_pk)
    if not messages.exists():
        return None
    row = rows_for([message_pk])[message_pk]
    entries = _entries(conversation_pk, message_pk)
    return {
        "row": row,
        "entries": entries[:MAX_ENTRIES],
        "is_cut": len(entries) > MAX_ENTRIES,
        "attributes": _attributes(row),
        "seq": head,
    }


def _entries(conversation_pk: int, message_pk: int) -> list[dict[str, Any]]:
    """An entry about the echo of its delivery is one about the message."""
    deliveries = list(Delivery.objects.filter(message=message_pk))
    deliveries += Delivery.objects.filter(part_of__in=deliveries)
    echoes = Message.objects.filter(echo_of__in=deliveries).values_list("pk", flat=True)
    rows = JournalEntry.objects.filter(
        message_id__in=[message_pk, *echoes], conversation_id=conversation_pk
    )
    kept = rows.order_by("seq").values_list("seq", "kind", "actor", "at", "data")
    found: list[dict[str, Any]] = []
    before: datetime | None = None
    for seq, kind, actor, at, data in kept[: MAX_ENTRIES + 1]:
        found.append(
            {
                "seq": seq,
                "kind": kind,
                "words": _words(kind),
                "actor": name_of(actor),
                "is_person": actor.startswith("user:"),
                "at": iso(at),
                "after_ms": _milliseconds(before, at),
                "facts": json.loads(data) if data else {},
            }
        )
        before = at
    return found


def _words(kind: str) -> str:
    """Of a kind that a newer release wrote, its name will do."""
    known = dict(JournalEntry.Kind.choices)
    return known.get(kind, kind.replace("_", " "))


def _milliseconds(since: datetime | None, at: datetime) -> int | None:
    return round((at - since).total_seconds() * 1000) if since is not None else None


def _attributes(row: dict[str, Any]) -> dict[str, Any] | None:
    """The row's `before` and `after`, each with its text; None for a text that was erased."""
    written = row["attributes"]
    if written is None or written["after"] is None:
        return written
    sides = {name: written[name] for name in ("before", "after") if written[name]}
    texts = dict(
        MessageText.objects.filter(
            message_id__in={side["message"] for side in sides.values()},
            role=MessageText.Role.ORIGINAL,
        ).values_list("message_id", "text")
    )
    full = {
        name: {**side, "originalText": texts.get(side["message"])} for name, side in sides.items()
    }
    return {**written, **full}
