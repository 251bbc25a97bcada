"""The journal, an entry at a time, with the digests that chain it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from conversations.admin.finding import FoundByMessage
from conversations.admin.records import moment
from conversations.models import JournalEntry


@admin.register(JournalEntry)
class JournalEntryAdmin(FoundByMessage):
    """Newest first; no filter by kind: that has no index."""

    at_moment = moment("at", description="at")

    list_display = ("place", "conversation", "kind", "actor", "at_moment", "short_digest")
    list_display_links = ("place",)
    list_select_related = ("conversation",)
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    sortable_by = ()
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation", "seq"), ("kind", "message"), ("actor", "at_moment"))}),
        ("Data", {"fields": ("data",)}),
        ("Chain", {"fields": ("commitment", "previous", "digest")}),
    ]

    @admin.display(description="number")
    def place(self, record: JournalEntry) -> int:
        return record.seq

    @admin.display(description="digest")
    def short_digest(self, record: JournalEntry) -> str:
        return f"{record.digest[:12]}…"
