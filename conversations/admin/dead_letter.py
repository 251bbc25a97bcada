"""Dead letters: what could not be processed, and the word of whoever may review on it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat

from conversations.admin.decisions import DecidedAdmin, person
from conversations.admin.records import moment, pill, plain
from conversations.models import DeadLetter, DeadLetterBody
from conversations.models.dead_letter import readable
from conversations.services.dead_letters import close_dead_letters, replay_dead_letters


class ReasonForm(ActionForm):
    reason = forms.CharField(required=False, max_length=200, label="Reason for closing:")


@admin.register(DeadLetter)
class DeadLetterAdmin(DecidedAdmin):
    change_form_template = "admin/conversations/deadletter/change_form.html"
    actions = ("replay", "close")
    action_form = ReasonForm
    decided = moment("decided_at", description="decided")
    decision_word = pill("decision")
    decision_note = plain("decision_reason", description="reason of the decision")
    created = moment("created_at", description="received")
    http = plain("http_status", description="HTTP status")

    list_display = (
        "created",
        "kind",
        "reason",
        "stream",
        "conversation",
        "decision_word",
        "decided_by",
    )
    list_filter = ("kind", "decision")
    list_select_related = ("conversation", "decided_by")
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole conversation id"
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": (
                    ("kind", "reason"),
                    ("stream", "http", "length"),
                    ("conversation", "message"),
                    "created",
                )
            },
        ),
        (
            "Decision",
            {"fields": (("decision_word", "decided_by", "decided"), "decision_note")},
        ),
    ]

    @admin.action(description="Replay", permissions=["review"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        self.tell(request, replay_dead_letters(_keys(queryset), user=person(request)))

    @admin.action(description="Close with a reason", permissions=["review"])
    def close(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Closing needs a reason.", messages.WARNING)
            return
        keys = _keys(queryset)
        self.tell(request, close_dead_letters(keys, user=person(request), reason=reason))

    @admin.display(description="size", ordering="size")
    def length(self, record: DeadLetter) -> str:
        return filesizeformat(record.size)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if record is not None and self.has_view_permission(request, record):
            body = DeadLetterBody.objects.filter(dead_letter=record).first()
            context["body"] = readable(bytes(body.body)) if body else None
        return super().change_view(request, object_id, form_url, context)


def _keys(queryset: QuerySet[DeadLetter]) -> list[int]:
    return list(queryset.order_by().values_list("pk", flat=True))
