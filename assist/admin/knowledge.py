"""What the knowledge service found, and when it could not say."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model

from assist.models import KnowledgeFailure, Suggestion
from conversations.admin.records import RecordAdmin, moment


@admin.register(Suggestion)
class SuggestionAdmin(RecordAdmin):
    found = moment("found_at", description="found")

    list_display = ("found", "call", "title", "score", "latency_ms", "is_late", "from_cache")
    list_select_related = ("chunk__conversation",)
    search_fields = ("chunk__conversation__external_id__exact",)
    search_help_text = "Whole interaction id"
    ordering = ("-pk",)
    fields = (
        "found", "call", "title", "snippet", "url", "score", "latency_ms", "is_late", "from_cache",
    )  # fmt: skip

    def conversation_of(self, record: Model) -> int | None:
        if isinstance(record, Suggestion):
            return record.chunk.conversation_id
        return super().conversation_of(record)

    @admin.display(description="call")
    def call(self, record: Suggestion) -> str:
        return record.chunk.conversation.external_id


@admin.register(KnowledgeFailure)
class KnowledgeFailureAdmin(RecordAdmin):
    failed = moment("at", description="failed")

    list_display = ("failed", "call", "error")
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole interaction id"
    date_hierarchy = "at"
    ordering = ("-at",)
    fields = ("failed", "call", "error")

    @admin.display(description="call")
    def call(self, record: KnowledgeFailure) -> str:
        return record.conversation.external_id
