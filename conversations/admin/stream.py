"""The platform's streams, for whoever may see operations."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from conversations.admin.records import RecordAdmin, moment, pill
from conversations.models import StreamState


@admin.register(StreamState)
class StreamStateAdmin(RecordAdmin):
    action = "operations"
    state_word = pill("state")
    connected = moment("connected_at", description="connected")
    last_frame = moment("last_frame_at", description="last frame")
    backfilled = moment("backfilled_at", description="backfilled")
    lease = moment("lease_until", description="lease until")
    updated = moment("updated_at", description="updated")
    resume = moment("resume_at", description="tried again at")

    list_display = ("__str__", "state_word", "attempts", "reason", "last_frame", "lease")
    fieldsets: ClassVar = [
        (None, {"fields": ("kind", "key", "state_word", "reason", "attempts")}),
        ("Held by", {"fields": ("owner", "lease", "epoch", "resume")}),
        ("Times", {"fields": ("connected", "last_frame", "backfilled", "updated")}),
        ("Counted", {"fields": ("frames", "malformed", "ignored")}),
    ]
