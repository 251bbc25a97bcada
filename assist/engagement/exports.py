"""Engagement as an export: a row for each agent, conversation and day (UTC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef, QuerySet

from assist.models import Engagement, Interaction
from conversations.exports.base import PAGE, Page, Position, Row, Scope, iso
from conversations.exports.covered import conversations_in
from conversations.models import Conversation

COLUMNS = (
    "conversation_id",
    "agent_id",
    "day",
    "total_keystrokes",
    "duration_ms",
    "active_typing_ms",
    "estimated_wpm",
    "active_wpm",
    "bursts",
    "first_keystroke_at",
    "last_keystroke_at",
    "messages",
    "average_interval_s",
    "responses",
    "first_response_ms",
    "average_response_ms",
    "last_activity_at",
    "interaction_started_at",
    "interaction_ended_at",
    "interaction_channel",
)


class EngagementFigures:
    """In the order in which the rows were begun; the period is that of the last keystroke or
    message. The figures are those of the moment at which a row is written: they still grow."""

    columns = COLUMNS
    formats = ("csv", "jsonl")

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        own = Engagement.objects.filter(conversation=OuterRef("pk"))
        return conversations_in(scope).filter(Exists(_within(own, scope)))

    def count(self, scope: Scope) -> int:
        return _figures(scope).count()

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]:
        rows = _figures(scope).select_related("conversation").order_by("pk")
        wanted = rows.filter(pk__gt=after[0]) if after else rows
        while page := list(wanted[:size]):
            yield Page(list(records(page)), (page[-1].pk,))
            wanted = rows.filter(pk__gt=page[-1].pk)


def _figures(scope: Scope) -> QuerySet[Engagement]:
    rows = _within(Engagement.objects.all(), scope)
    if scope.export is not None or scope.names() or scope.language:
        return rows.filter(conversation__in=conversations_in(scope))
    return rows


def _within(rows: QuerySet[Engagement], scope: Scope) -> QuerySet[Engagement]:
    if scope.since is not None:
        rows = rows.filter(at__gte=scope.since)
    if scope.until is not None:
        rows = rows.filter(at__lt=scope.until)
    return rows


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
