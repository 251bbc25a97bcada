"""How records are found: by the whole id of a conversation, or by the platform's of one message."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.admin.records import RecordAdmin
from conversations.models import Conversation, Delivery, Message

AT_MOST = 100  # messages of one id: it names one, or one in each of a few conversations


def messages_named(external_id: str) -> set[int]:
    """Who was heard under it, and whose translation was delivered under it, in parts too."""
    heard = Message.objects.filter(external_id=external_id).values_list(
        "pk", "echo_of__message_id", "echo_of__part_of__message_id"
    )
    delivered = Delivery.objects.filter(external_id=external_id).values_list(
        "message_id", "part_of__message_id"
    )
    found: set[int | None] = {pk for row in heard[:AT_MOST] for pk in row}
    found.update(pk for row in delivered[:AT_MOST] for pk in row)
    return {pk for pk in found if pk is not None}


class FoundByMessage(RecordAdmin):
    """Each way has its index, and only one is gone: with both in one condition the database would
    read all rows."""

    of_conversation = "conversation"
    of_message = "message"
    search_fields = ("pk",)  # so that there is a field; `get_search_results` decides
    search_help_text = "Whole conversation id, or the platform's id of a message"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if Conversation.objects.filter(external_id=term).exists():
            # Not by its key: for the first and last date of one that is not the newest the database
            # would walk through all dates.
            return queryset.filter(**{f"{self.of_conversation}__external_id": term}), False
        return self.named(queryset, term), False

    def named(self, queryset: QuerySet[Any], external_id: str) -> QuerySet[Any]:
        """Of the messages with this id of the platform's."""
        return queryset.filter(**{f"{self.of_message}__in": messages_named(external_id)})

    def looked_for(self, term: str) -> QuerySet[Conversation]:
        found = super().looked_for(term)
        if found:
            return found
        messages = Message.objects.filter(pk__in=messages_named(term))
        return Conversation.objects.filter(pk__in=messages.values("conversation_id"))
