"""Who tried too often to log in, and the word to let them in again."""

from __future__ import annotations

import logging
from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from conversations.admin.records import RecordAdmin, may, moment, plain, state_pill
from conversations.models import LoginAttempts
from conversations.services.login_limits import is_shut, reset_attempts

logger = logging.getLogger(__name__)


@admin.register(LoginAttempts)
class LoginAttemptsAdmin(RecordAdmin):
    """A name that is no account's is not shown: it may have been a password."""

    action = "settings"
    actions = ("let_in",)
    began = moment("since", description="since")
    last = moment("last_at", description="last")
    whose = plain("account", description="account")

    list_display = ("network", "whose", "state_word", "count", "refused", "last")
    list_filter = ("kind",)
    search_fields = ("account__exact", "network__exact")
    search_help_text = "Whole account name or network"
    ordering = ("-last_at",)
    fieldsets: ClassVar = [
        (None, {"fields": (("network", "whose", "kind"), ("state_word", "count", "refused"))}),
        ("Times", {"fields": (("began", "last"),)}),
    ]

    @admin.display(description="state")
    def state_word(self, record: LoginAttempts) -> SafeString:
        if is_shut(record, now=timezone.now()):
            return state_pill("failed", "has to wait")
        return state_pill("", "open")

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return may(request, "settings")

    @admin.action(description="Let them try again", permissions=["reset"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[LoginAttempts]) -> None:
        for record in queryset:
            self.log_change(request, record, "Attempts forgotten: may try again at once.")
        count = reset_attempts(keys=list(queryset.values_list("pk", flat=True)))
        logger.warning("%s had %s counts of attempts to log in forgotten", request.user, count)
        self.message_user(request, f"{count} may try again.", messages.SUCCESS)
