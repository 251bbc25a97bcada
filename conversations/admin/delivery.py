"""Deliveries and dead letters: what was posted, and what could not be processed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat

from conversations.admin.records import RecordAdmin, moment, pill, plain
from conversations.models import DeadLetter, DeadLetterBody, Delivery

BODY_LIMIT = 64 * 1024


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """No date hierarchy: the times of deliveries have no index; the newest come first."""

    created = moment("created_at", description="queued")
    sending = moment("sending_at", description="sent")
    confirmed = moment("confirmed_at", description="confirmed")
    echoed = moment("echoed_at", description="echo received")
    state_word = pill("state")
    attributes_word = pill("attributes_state", description="attributes")

    list_display = ("id", "conversation", "state_word", "attributes_word", "reason", "created")
    list_filter = ("state",)
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole conversation id"
    ordering = ("-id",)
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation", "message"), ("direction", "external_id"))}),
        ("State", {"fields": (("state_word", "reason"), ("attempts", "confirmed_by"))}),
        ("Times", {"fields": (("created", "sending"), ("confirmed", "echoed"))}),
        ("Attributes", {"fields": (("attributes_word", "attributes_attempts"),)}),
    ]


@admin.register(DeadLetter)
class DeadLetterAdmin(RecordAdmin):
    change_form_template = "admin/conversations/deadletter/change_form.html"
    created = moment("created_at", description="received")
    http = plain("http_status", description="HTTP status")

    list_display = ("created", "kind", "reason", "stream", "conversation", "length")
    list_filter = ("kind",)
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole conversation id"
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": (
                    ("kind", "reason"),
                    ("stream", "http", "length"),
                    ("conversation", "message"),
                    "created",
                )
            },
        ),
    ]

    @admin.display(description="size", ordering="size")
    def length(self, record: DeadLetter) -> str:
        return filesizeformat(record.size)

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
            body = DeadLetterBody.objects.filter(dead_letter=record).first()
            context["body"] = readable(bytes(body.body)) if body else None
        return super().change_view(request, object_id, form_url, context)


def readable(body: bytes) -> str:
    """What a page can show of any bytes: at most `BODY_LIMIT`, what is not text replaced."""
    text = body[:BODY_LIMIT].decode("utf-8", errors="replace")
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
