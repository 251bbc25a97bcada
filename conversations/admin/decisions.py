"""Records that somebody decides about by the services' own decisions; nothing is edited."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest

from conversations.admin.records import RecordAdmin, may
from conversations.services.decisions import Outcome


class DecidedAdmin(RecordAdmin):
    """Records that somebody who may review decides about."""

    def has_review_permission(self, request: HttpRequest) -> bool:
        return may(request, "review")

    def tell(self, request: HttpRequest, outcomes: Sequence[Outcome]) -> None:
        if done := sum(outcome.is_done for outcome in outcomes):
            self.message_user(request, f"{done} done.", messages.SUCCESS)
        for outcome in outcomes:
            if not outcome.is_done:
                self.message_user(request, outcome.words, messages.WARNING)


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin's door let them in
    return request.user
