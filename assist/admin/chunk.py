"""The audit record of every final chunk: what was stored of it, late ones included."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from assist.models import Chunk
from conversations.admin.records import RecordAdmin, moment
from conversations.models import MessageText


@admin.register(Chunk)
class ChunkAdmin(RecordAdmin):
    received = moment("received_at", description="received")
    spoken = moment("media_at", description="spoken")

    list_display = (
        "received", "call", "latency", "is_late", "heard", "removed", "is_withheld",
    )  # fmt: skip
    list_filter = ("is_late", "is_withheld", "is_ahead")
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole interaction id"
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
    fieldsets: ClassVar = [
        (None, {"fields": ("call", "text", "removed", ("is_withheld", "redaction_active"))}),
        ("Heard", {"fields": ("spoken", "received", "latency", ("is_late", "is_ahead"))}),
        ("How well", {"fields": ("heard", "media_type")}),
        (
            "The stream then",
            {"fields": ("average_latency_ms", "average_confidence", "active_streams")},
        ),
    ]

    @admin.display(description="call")
    def call(self, record: Chunk) -> str:
        return record.conversation.external_id

    @admin.display(description="latency", ordering="latency_ms")
    def latency(self, record: Chunk) -> str:
        return f"{record.latency_ms} ms"

    @admin.display(description="confidence")
    def heard(self, record: Chunk) -> str:
        return "–" if record.confidence is None else f"{record.confidence:.0%}"

    @admin.display(description="removed")
    def removed(self, record: Chunk) -> str:
        return ", ".join(f"{kind} {count}" for kind, count in record.redactions().items()) or "–"

    @admin.display(description="text")
    def text(self, record: Chunk) -> str:
        found = MessageText.objects.filter(
            message_id=record.pk, role=MessageText.Role.ORIGINAL
        ).first()
        return found.text if found else "erased"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [field for _, part in self.fieldsets for field in _flat(part["fields"])]


def _flat(fields: Any) -> list[str]:
    return [name for field in fields for name in ([field] if isinstance(field, str) else field)]
