"""When the whole journal was verified, and what was found."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from conversations.admin.records import RecordAdmin, moment, state_pill
from conversations.models import VerificationRun


@admin.register(VerificationRun)
class VerificationRunAdmin(RecordAdmin):
    action = "verify"
    started = moment("started_at", description="started")
    finished = moment("finished_at", description="finished")

    list_display = ("finished", "verdict", "of_entries", "of_chains", "texts", "of_anchors")
    ordering = ("-finished_at",)
    fieldsets: ClassVar = [
        (None, {"fields": (("verdict", "started", "finished"),)}),
        ("Valid", {"fields": (("of_entries", "of_chains", "texts", "of_anchors"),)}),
        ("First faults", {"fields": ("faults",)}),
    ]

    @admin.display(description="verdict")
    def verdict(self, record: VerificationRun) -> SafeString:
        if record.holds:
            return state_pill("confirmed", "chain verified")
        return state_pill("failed", "tampering detected")

    @admin.display(description="entries")
    def of_entries(self, record: VerificationRun) -> str:
        return f"{record.valid_entries} of {record.entries}"

    @admin.display(description="chains")
    def of_chains(self, record: VerificationRun) -> str:
        return f"{record.valid_chains} of {record.chains}"

    @admin.display(description="anchors")
    def of_anchors(self, record: VerificationRun) -> str:
        if record.anchors is None:
            return "not looked at"
        return f"{record.valid_anchors} of {record.anchors}"
