"""Messages: the texts of one side by side, and what happened to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from conversations.admin.finding import FoundByMessage
from conversations.admin.records import moment, pill, plain
from conversations.admin.transcript_table import lines_of
from conversations.models import JournalEntry, Message

TIMELINE_LIMIT = 200


@admin.register(Message)
class MessageAdmin(FoundByMessage):
    change_form_template = "admin/conversations/message/change_form.html"
    reason = plain("translation_reason", description="reason")
    attempts = plain("translation_attempts", description="attempts")
    sent = moment("sent_at", description="sent")
    received = moment("received_at", description="received")
    read = moment("read_at", description="read")
    translation_word = pill("translation_state", description="translation")

    list_display = (
        "number",
        "conversation",
        "origin",
        "sender_name",
        "translation_word",
        "received",
    )
    list_display_links = ("number",)
    list_filter = ("origin", "translation_state")
    list_select_related = ("conversation",)
    of_message = "pk"
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": (
                    ("conversation", "number", "external_id"),
                    ("origin", "sender", "backfilled"),
                    ("sent", "received", "read"),
                    ("translation_word", "attempts", "reason"),
                )
            },
        ),
    ]

    @admin.display(description="number", ordering="seq")
    def number(self, record: Message) -> int:
        return record.seq

    @admin.display(description="sender")
    def sender(self, record: Message) -> str:
        return " · ".join(part for part in (record.sender_name, record.sender_id) if part) or "–"

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
            context["lines"] = lines_of([record])
            timeline = JournalEntry.objects.filter(message_id=record.pk).order_by("seq")
            context["timeline"] = timeline[:TIMELINE_LIMIT]
        return super().change_view(request, object_id, form_url, context)
