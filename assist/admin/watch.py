"""Which calls somebody wants transcribed."""

from __future__ import annotations

from django.contrib import admin

from assist.models import AssistWatch
from conversations.admin.records import RecordAdmin, moment


@admin.register(AssistWatch)
class AssistWatchAdmin(RecordAdmin):
    action = "operations"
    until = moment("wanted_until", description="wanted until")

    list_display = ("interaction_id", "until")
    search_fields = ("interaction_id__exact",)
    ordering = ("-wanted_until",)
    fields = ("interaction_id", "until")
