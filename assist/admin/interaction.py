"""What the platform's analytics said of conversations, and what is still asked for."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from assist.models import Interaction
from conversations.admin.records import RecordAdmin, moment, pill, plain


@admin.register(Interaction)
class InteractionAdmin(RecordAdmin):
    action = "operations"
    state_word = pill("state")
    started = moment("started_at", description="started")
    ended = moment("ended_at", description="ended")
    waits = moment("since", description="asked for since")
    next_time = moment("ask_at", description="asked again at")
    asked = moment("asked_at", description="last asked")
    answered = moment("answered_at", description="last answer")
    channel = plain("channel_type", description="channel")

    list_display = (
        "waits", "conversation_name", "state_word", "channel", "started", "ended", "attempts",
        "reason",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole conversation id"
    date_hierarchy = "since"
    ordering = ("-since",)
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation_name", "state_word"), "channel", ("started", "ended"))}),
        (
            "Asked",
            {"fields": (("waits", "attempts"), ("asked", "answered"), "next_time", "reason")},
        ),
    ]

    @admin.display(description="conversation")
    def conversation_name(self, record: Interaction) -> str:
        return record.conversation.external_id
