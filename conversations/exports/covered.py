"""Which conversations an export is about, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from conversations.exports.base import Scope
from conversations.models import Conversation
from conversations.models.conversation import ConversationQuerySet


def conversations_in(scope: Scope, *, with_console: bool = False) -> ConversationQuerySet:
    """By id and by the guest's language; the period is each kind's own affair."""
    found: ConversationQuerySet = Conversation.objects.all()
    if not with_console:
        found = found.exclude(channel=Conversation.Channel.CONSOLE)
    if scope.export is not None:
        return found.filter(export_heads__export=scope.export)
    if scope.names():
        found = found.filter(external_id__in=scope.names())
    if scope.language:
        language = scope.language
        found = found.filter(
            Q(guest_language__iexact=language) | Q(guest_language__istartswith=f"{language}-")
        )
    return found


def missing(names: Sequence[str]) -> list[str]:
    """Ids that no conversation has."""
    known = Conversation.objects.filter(external_id__in=names)
    there = set(known.values_list("external_id", flat=True))
    return [name for name in names if name not in there]
