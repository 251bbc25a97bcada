"""The platform's token: how it is, never what it is; and the word to ask for one again."""

from __future__ import annotations

import logging
from typing import ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from conversations.admin.records import RecordAdmin, may, moment, plain, state_pill
from conversations.conf import genesys_config
from conversations.models import AccessToken
from conversations.services.tokens import credentials_of, forget_refusal

logger = logging.getLogger(__name__)


@admin.register(AccessToken)
class AccessTokenAdmin(RecordAdmin):
    """A row for each set of credentials that was ever used; secret and fingerprint stay out."""

    action = "settings"
    actions = ("ask_again",)
    expires = moment("expires_at", description="expires")
    refused = moment("refused_at", description="refused")
    renewing = plain("renewing_owner", description="renewed now by")
    updated = moment("updated_at", description="updated")

    list_display = ("__str__", "state_word", "in_use", "expires", "refused", "updated")
    ordering = ("-updated_at",)
    fieldsets: ClassVar = [
        (None, {"fields": ("generation", "state_word", "in_use")}),
        ("Times", {"fields": ("expires", "refused", "renewing", "updated")}),
    ]

    @admin.display(description="state")
    def state_word(self, record: AccessToken) -> SafeString:
        if record.refused_at:
            return state_pill("credentials", "credentials refused")
        if record.expires_at and record.expires_at > timezone.now():
            return state_pill("ok", "valid")
        return state_pill("", "none")

    @admin.display(description="of today's settings", boolean=True)
    def in_use(self, record: AccessToken) -> bool | None:
        """Unknown where this process has no credentials: the web needs none."""
        try:
            return record.fingerprint == credentials_of(genesys_config())
        except ImproperlyConfigured:
            return None

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return may(request, "settings")

    @admin.action(description="Ask for a token again", permissions=["forget"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        """Gateway and workers see the word within seconds; one of them asks, once."""
        forgotten = [record for record in queryset if forget_refusal(record.pk)]
        for record in forgotten:
            self.log_change(request, record, "Refusal forgotten: the credentials are asked again.")
            logger.warning(
                "%s had the refusal of the platform's credentials forgotten", request.user
            )
        self.message_user(
            request,
            f"{len(forgotten)} refusal(s) forgotten: a token will be asked for again.",
            messages.SUCCESS if forgotten else messages.WARNING,
        )
