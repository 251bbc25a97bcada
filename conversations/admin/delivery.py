"""Deliveries: what was posted, and the word of whoever may review on what is under review."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversations.admin.decisions import DecidedAdmin, person
from conversations.admin.finding import AT_MOST, FoundByMessage, messages_named
from conversations.admin.records import moment, pill, plain
from conversations.models import Delivery
from conversations.services.review import Decision, decide_deliveries, seen_in, token_of

_SEEN = "seen"
_PARTS: Any = (
    "Parts",
    {
        "fields": (("whole", "delivered_parts"), ("begins_at", "at_most")),
        "description": "The platform refused the text as too long, so it is sent in parts, one "
        "after another. This is the part at hand.",
    },
)


@admin.register(Delivery)
class DeliveryAdmin(DecidedAdmin, FoundByMessage):
    actions = ("it_is_there", "send_again", "drop")
    created = moment("created_at", description="queued")
    sending = moment("sending_at", description="sent")
    confirmed = moment("confirmed_at", description="confirmed")
    echoed = moment("echoed_at", description="echo received")
    whole = plain("part_of", description="a part of")
    begins_at = plain("part_from", description="begins at character")
    at_most = plain("part_chars", description="of at most characters")
    state_word = pill("state")
    attributes_word = pill("attributes_state", description="attributes")

    list_display = ("id", "conversation", "state_word", "attributes_word", "reason", "created")
    list_filter = ("state",)
    list_select_related = ("conversation",)
    # By way of its messages, which have an index for it; deliveries have none.
    of_conversation = "message__conversation"
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation", "message"), ("direction", "external_id"))}),
        (
            "State",
            {"fields": (("state_word", "reason"), ("attempts", "confirmed_by", "duplicates"))},
        ),
        ("Times", {"fields": (("created", "sending"), ("confirmed", "echoed"))}),
        ("Attributes", {"fields": (("attributes_word", "attributes_attempts"),)}),
    ]

    def named(self, queryset: QuerySet[Any], external_id: str) -> QuerySet[Any]:
        """With the part that was delivered under it, beside the whole."""
        whole = Delivery.objects.filter(message__in=messages_named(external_id))
        part = Delivery.objects.filter(external_id=external_id)
        pks = {*whole.values_list("pk", flat=True), *part.values_list("pk", flat=True)[:AT_MOST]}
        return queryset.filter(pk__in=pks)

    @admin.display(description="parts delivered")
    def delivered_parts(self, record: Delivery) -> int:
        return record.parts.count()

    def get_fieldsets(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        """Of parts only where there are some."""
        first, *others = super().get_fieldsets(request, obj)
        is_split = obj is not None and (obj.part_chars > 0 or obj.part_of_id is not None)
        return [first, *([_PARTS] if is_split else []), *others]

    @admin.action(description="It is there: mark as delivered", permissions=["review"])
    def it_is_there(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._decide(request, queryset, Decision.IS_THERE)

    @admin.action(description="Send again", permissions=["review"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._decide(request, queryset, Decision.SEND_AGAIN)

    @admin.action(description="Drop", permissions=["review"])
    def drop(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._decide(request, queryset, Decision.DROP)

    def action_checkbox(self, obj: Any) -> SafeString:
        """With its attempts as they are shown: what is sent again meanwhile is not decided."""
        box = super().action_checkbox(obj)
        seen = '<input type="hidden" name="{}" value="{}">'
        return format_html("{}" + seen, box, _SEEN, token_of(obj))

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Delivery], decision: Decision
    ) -> None:
        shown = seen_in(request.POST.getlist(_SEEN))
        chosen = list(queryset.order_by().values_list("pk", flat=True))
        seen = {pk: shown[pk] for pk in chosen if pk in shown}
        self.tell(request, decide_deliveries(seen, decision, user=person(request)))
        if unseen := len(chosen) - len(seen):
            words = f"{unseen} not done: they were not on the page. Decide page by page."
            self.message_user(request, words, messages.WARNING)
