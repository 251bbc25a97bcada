"""Rows that a page does not have: before its first, after its last, or around a message.

The rows are those of snapshots and events. The journal's head is read first and said (`seq`): a
row is at least as new as that, so a page lets what it heard past `seq` meanwhile win.
"""

from __future__ import annotations

from typing import Any

from conversations.live.rows import rows_for
from conversations.models import Conversation, Message
from conversations.models.message import MessageQuerySet

MAX_ROWS = 100


def rows_before(conversation_pk: int, seq: int | None) -> dict[str, Any]:
    """The last rows before `seq`, or of all."""
    head = _head(conversation_pk)
    spoken = _spoken(conversation_pk)
    older = spoken.filter(seq__lt=seq) if seq is not None else spoken
    keys = older.order_by("-seq").values_list("pk", flat=True)[:MAX_ROWS]
    return _page(spoken, list(keys), head)


def rows_after(conversation_pk: int, seq: int) -> dict[str, Any]:
    """The first rows after `seq`."""
    head = _head(conversation_pk)
    spoken = _spoken(conversation_pk)
    keys = spoken.filter(seq__gt=seq).order_by("seq").values_list("pk", flat=True)[:MAX_ROWS]
    return _page(spoken, list(keys), head)


def rows_around(conversation_pk: int, message_pk: int) -> dict[str, Any] | None:
    """A message and what was said before and after it; None where it is not of them."""
    head = _head(conversation_pk)
    spoken = _spoken(conversation_pk)
    seq = spoken.filter(pk=message_pk).values_list("seq", flat=True).first()
    if seq is None:
        return None
    half = MAX_ROWS // 2
    upto = spoken.filter(seq__lte=seq).order_by("-seq").values_list("pk", flat=True)[:half]
    after = spoken.filter(seq__gt=seq).order_by("seq").values_list("pk", flat=True)[:half]
    return _page(spoken, [*upto, *after], head)


def _head(conversation_pk: int) -> int:
    return Conversation.objects.values_list("seq", flat=True).get(pk=conversation_pk)


def _spoken(conversation_pk: int) -> MessageQuerySet:
    return Message.objects.spoken().filter(conversation_id=conversation_pk)


def _page(spoken: MessageQuerySet, keys: list[int], head: int) -> dict[str, Any]:
    rows = list(rows_for(keys).values())
    if not rows:
        return {"rows": [], "older": 0, "newer": 0, "seq": head}
    return {
        "rows": rows,
        "older": spoken.filter(seq__lt=rows[0]["seq"]).count(),
        "newer": spoken.filter(seq__gt=rows[-1]["seq"]).count(),
        "seq": head,
    }
