"""How translations were made; the providers' state, and the one thing that can be done to it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from conversations.admin.finding import FoundByMessage
from conversations.admin.records import RecordAdmin, may, moment, pill
from translation.models import ProviderState, Translation
from translation.provider_state import ask_again


@admin.register(Translation)
class TranslationAdmin(FoundByMessage):
    created = moment("created_at", description="translated")

    list_display = ("created", "conversation", "languages", "provider", "latency", "from_memory")
    list_select_related = ("message__conversation",)
    of_conversation = "message__conversation"
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fieldsets: ClassVar = [
        (None, {"fields": ("conversation", "message", "languages", "created")}),
        ("How", {"fields": ("provider", "latency", "from_memory")}),
    ]

    def conversation_of(self, record: Model) -> int | None:
        if isinstance(record, Translation):
            return record.message.conversation_id
        return super().conversation_of(record)

    @admin.display(description="conversation")
    def conversation(self, record: Translation) -> str:
        return record.message.conversation.external_id

    @admin.display(description="languages")
    def languages(self, record: Translation) -> str:
        return f"{record.source_language or '?'} → {record.target_language}"

    @admin.display(description="latency")
    def latency(self, record: Translation) -> str:
        return f"{record.latency_ms} ms"


@admin.register(ProviderState)
class ProviderStateAdmin(RecordAdmin):
    action = "settings"
    actions = ("ask_again",)
    state_word = pill("state")
    began = moment("since", description="since")
    reopened = moment("reopened_at", description="asked again")
    updated = moment("updated_at", description="updated")

    list_display = ("name", "state_word", "reason", "began", "reopened", "updated")
    fieldsets: ClassVar = [
        (None, {"fields": ("name", "state_word", "reason", "began")}),
        ("Operator", {"fields": (("reopened", "reopened_by"), "updated")}),
    ]

    def has_reopen_permission(self, request: HttpRequest) -> bool:
        return may(request, "settings")

    @admin.action(description="Ask the provider again", permissions=["reopen"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[ProviderState]) -> None:
        assert request.user.is_authenticated  # noqa: S101 - the admin's door
        count = ask_again(queryset, user=request.user)
        self.message_user(request, f"{count} provider(s) will be asked again.", messages.SUCCESS)
