"""Attribute audits: what a PUT replaced, before and after side by side."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from conversations.admin.finding import FoundByMessage
from conversations.admin.records import moment, pill, plain
from conversations.models import AttributeAudit

ERASED = "erased"


def values_of(audit: AttributeAudit | None) -> dict[str, str]:
    """The attributes as they were written, the text from its deletable row."""
    if audit is None:
        return {}
    stamp = audit.translation_timestamp.isoformat(timespec="milliseconds")
    return {
        "originalLanguage": audit.original_language,
        "originalText": audit.text.text if audit.text else ERASED,
        "translationTimestamp": stamp.replace("+00:00", "Z"),
    }


@admin.register(AttributeAudit)
class AttributeAuditAdmin(FoundByMessage):
    written = moment("written_at", description="written")
    status_word = pill("status")
    http = plain("http_status", description="HTTP status")

    list_display = ("written", "conversation", "languages", "status_word", "http")
    list_filter = ("status",)
    list_select_related = ("conversation",)
    date_hierarchy = "written_at"
    ordering = ("-written_at",)
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation", "message"), ("status_word", "http", "written"))}),
        ("Before and after", {"fields": ("comparison", "before")}),
        ("Answer of the platform", {"fields": ("answer",)}),
        ("Proof", {"fields": ("commitment",)}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttributeAudit]:
        queryset = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and match.url_name and match.url_name.endswith("_change"):
            return queryset.select_related("message", "text", "before__text")
        return queryset.defer("answer")

    @admin.display(description="languages")
    def languages(self, record: AttributeAudit) -> str:
        return f"{record.original_language or '?'} → {record.target_language or '?'}"

    @admin.display(description="attributes")
    def comparison(self, record: AttributeAudit) -> str:
        before, after = values_of(record.before), values_of(record)
        rows = [
            {"key": key, "before": before.get(key), "after": after[key]}
            for key in after
            if key in record.keys or not record.keys
        ]
        context = {"rows": rows, "has_before": record.before is not None}
        return render_to_string("admin/conversations/attribute_comparison.html", context)
