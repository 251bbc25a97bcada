"""How agents wrote and answered, for whoever runs the system; the same figures have a page."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from assist.models import Engagement
from conversations.admin.records import RecordAdmin, moment
from conversations.models import Conversation


@admin.register(Engagement)
class EngagementAdmin(RecordAdmin):
    action = "operations"
    last = moment("at", description="last keystroke or message")
    first_key = moment("first_key_at", description="first keystroke")
    last_key = moment("last_key_at", description="last keystroke")

    list_display = (
        "last", "conversation_name", "agent_id", "keystrokes", "active", "active_speed",
        "messages", "first_response", "response",
    )  # fmt: skip
    list_select_related = ("conversation",)
    search_fields = ("agent_id",)
    search_help_text = "Whole conversation id or agent id"
    date_hierarchy = "at"
    ordering = ("-at",)
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation_name", "agent_id", "day"), "last")}),
        (
            "Typed",
            {
                "fields": (
                    ("keystrokes", "bursts"),
                    ("active", "active_speed"),
                    ("elapsed", "speed"),
                    ("first_key", "last_key"),
                )
            },
        ),
        ("Answered", {"fields": (("messages", "interval"), ("first_response", "response"))}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Engagement], search_term: str
    ) -> tuple[QuerySet[Engagement], bool]:
        """A conversation or an agent, each by its index: with both in one condition the database
        would read all rows."""
        term = search_term.strip()
        if not term:
            return queryset, False
        conversation = Conversation.objects.filter(external_id=term).first()
        if conversation is not None:
            return queryset.filter(conversation=conversation), False
        return queryset.filter(agent_id=term), False

    @admin.display(description="conversation")
    def conversation_name(self, record: Engagement) -> str:
        return record.conversation.external_id

    @admin.display(description="typing", ordering="active_ms")
    def active(self, record: Engagement) -> str:
        return _seconds(record.active_ms)

    @admin.display(description="elapsed", ordering="duration_ms")
    def elapsed(self, record: Engagement) -> str:
        return _seconds(record.duration_ms)

    @admin.display(description="words a minute, elapsed")
    def speed(self, record: Engagement) -> int:
        return record.estimated_wpm

    @admin.display(description="words a minute, typing")
    def active_speed(self, record: Engagement) -> int:
        return record.active_wpm

    @admin.display(description="average interval of messages")
    def interval(self, record: Engagement) -> str:
        return _mean(record.interval_sum_ms, record.intervals)

    @admin.display(description="first response", ordering="first_response_ms")
    def first_response(self, record: Engagement) -> str:
        return "–" if record.first_response_ms is None else _seconds(record.first_response_ms)

    @admin.display(description="average response")
    def response(self, record: Engagement) -> str:
        return _mean(record.response_sum_ms, record.responses)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s"


def _mean(total_ms: int, count: int) -> str:
    return _seconds(total_ms / count) if count else "–"
