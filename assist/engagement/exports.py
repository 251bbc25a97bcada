"""Engagement as an export: a row for each agent, conversation and day (UTC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Q, QuerySet

from assist.models import Engagement, Interaction
from conversations.exports.base import Row, Rows, Scope, iso

PAGE = 1_000


def engagement_rows(scope: Scope, *, page: int = PAGE) -> Rows:
    """The rows of `scope` by their last keystroke or message; no text is among them."""
    rows = Engagement.objects.select_related("conversation")
    if scope.conversation is not None:
        rows = rows.filter(conversation__external_id=scope.conversation)
    if scope.since is not None:
        rows = rows.filter(at__gte=scope.since)
    if scope.until is not None:
        rows = rows.filter(at__lt=scope.until)
    for found in _pages(rows.order_by("at", "pk"), page):
        yield from records(found)


def _pages(rows: QuerySet[Engagement], size: int) -> Iterator[list[Engagement]]:
    wanted = rows
    while page := list(wanted[:size]):
        yield page
        last = page[-1]
        further = Q(at__gt=last.at) | Q(pk__gt=last.pk)
        wanted = rows.filter(further, at__gte=last.at)


def records(rows: Sequence[Engagement]) -> Iterator[Row]:
    """What is not known is null. Two queries a page."""
    interactions = Interaction.objects.in_bulk([row.conversation_id for row in rows])
    for row in rows:
        interaction = interactions.get(row.conversation_id)
        yield {
            "conversation_id": row.conversation.external_id,
            "agent_id": row.agent_id,
            "day": row.day.isoformat(),
            "total_keystrokes": row.keystrokes,
            "duration_ms": row.duration_ms,
            "active_typing_ms": row.active_ms,
            "estimated_wpm": row.estimated_wpm,
            "active_wpm": row.active_wpm,
            "bursts": row.bursts,
            "first_keystroke_at": iso(row.first_key_at),
            "last_keystroke_at": iso(row.last_key_at),
            "messages": row.messages,
            "average_interval_s": _mean_s(row.interval_sum_ms, row.intervals),
            "responses": row.responses,
            "first_response_ms": row.first_response_ms,
            "average_response_ms": _mean_ms(row.response_sum_ms, row.responses),
            "last_activity_at": iso(row.at),
            "interaction_started_at": iso(interaction.started_at) if interaction else None,
            "interaction_ended_at": iso(interaction.ended_at) if interaction else None,
            "interaction_channel": (interaction.channel_type if interaction else "") or None,
        }


def _mean_ms(total: int, count: int) -> int | None:
    return round(total / count) if count else None


def _mean_s(total_ms: int, count: int) -> float | None:
    return round(total_ms / count / 1000, 3) if count else None
