"""Conversations: what was said side by side, and whether the chain of the journal holds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from conversations.admin.calendar import CalendarChangeList
from conversations.admin.erasing import HeldAndErasedAdmin
from conversations.admin.records import may, moment, pill, state_pill
from conversations.admin.transcript_table import LIMIT, last_lines
from conversations.models import Conversation
from conversations.services.guest_erasure import ERASED_GUEST
from conversations.services.verification import verify_recent

CHAIN_LIMIT = 5_000


class ConversationChangeList(CalendarChangeList):
    def _dated(self) -> QuerySet[Any]:
        """The console's own chain is of no day: its row has one of long ago."""
        return self.queryset.exclude(channel=Conversation.Channel.CONSOLE)


@admin.register(Conversation)
class ConversationAdmin(HeldAndErasedAdmin):
    change_form_template = "admin/conversations/conversation/change_form.html"
    created = moment("created_at", description="first message")
    last_event = moment("last_event_at", description="last event")
    closed = moment("closed_at", description="closed")
    erased = moment("erased_at", description="erased up to")
    state_word = pill("state")

    list_display = ("external_id", "guest", "agent", "state_word", "last_event", "entries")
    list_filter = ("state",)
    search_fields = ("external_id__startswith",)
    search_help_text = "Conversation id, or how it begins"
    date_hierarchy = "last_event_at"
    ordering = ("-last_event_at",)
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": (
                    ("guest", "agent"),
                    ("state_word", "channel"),
                    ("created", "last_event"),
                    "closed",
                    ("entries", "head"),
                    ("held", "erased"),
                )
            },
        ),
    ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CalendarChangeList]:
        return ConversationChangeList

    @admin.display(description="guest")
    def guest(self, record: Conversation) -> str:
        name = record.guest_name or record.guest_id or "–"
        if name.startswith(ERASED_GUEST):
            name = "erased"
        return f"{name} ({record.guest_language})" if record.guest_language else name

    @admin.display(description="agent")
    def agent(self, record: Conversation) -> str:
        return record.agent_name or record.agent_id or "–"

    @admin.display(description="journal entries")
    def entries(self, record: Conversation) -> int:
        return record.seq

    @admin.display(description="head of the chain")
    def head(self, record: Conversation) -> str:
        return record.head or "–"

    @admin.display(description="legal hold")
    def held(self, record: Conversation) -> SafeString:
        hold = record.holds.in_force().first()
        return state_pill("review", hold.reason) if hold else state_pill("", "none")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if record is not None and self.has_view_permission(request, record):
            context["lines"] = last_lines(record.pk)
            context["line_limit"] = LIMIT
            if may(request, "verify"):
                context["chain"] = verify_recent(record.pk, limit=CHAIN_LIMIT)
        return super().change_view(request, object_id, form_url, context)
