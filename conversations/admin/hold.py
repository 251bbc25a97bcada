"""Legal holds and erasures: which there are, and the word to lift a hold."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from conversations.admin.confirmation import Question, answered, ask
from conversations.admin.decisions import DecidedAdmin, person
from conversations.admin.records import RecordAdmin, may, moment, pill, plain, state_pill
from conversations.models import Erasure, LegalHold
from conversations.services.holds import lift_holds


class InForce(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("in_force", "in force"), ("lifted", "lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> QuerySet[LegalHold]:
        if self.value() in ("in_force", "lifted"):
            return queryset.filter(lifted_at__isnull=self.value() == "in_force")
        return queryset


@admin.register(LegalHold)
class LegalHoldAdmin(DecidedAdmin):
    actions = ("lift",)
    placed = moment("placed_at", description="placed")
    lifted = moment("lifted_at", description="lifted")
    why_lifted = plain("lift_reason", description="reason of the lifting")

    list_display = ("conversation", "state_word", "reason", "placed_by", "placed", "lifted")
    list_filter = (InForce,)
    list_select_related = ("conversation", "placed_by", "lifted_by")
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole conversation id"
    ordering = ("-id",)
    fieldsets: ClassVar = [
        (None, {"fields": (("conversation", "state_word"), "reason", ("placed_by", "placed"))}),
        ("Lifted", {"fields": (("lifted_by", "lifted"), "why_lifted")}),
    ]

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return may(request, "hold")

    @admin.display(description="state")
    def state_word(self, record: LegalHold) -> SafeString:
        if record.lifted_at is None:
            return state_pill("review", "in force")
        return state_pill("closed", "lifted")

    @admin.action(description="Lift…", permissions=["hold"])
    def lift(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> HttpResponse | None:
        chosen = list(queryset.select_related("conversation").order_by("pk"))
        question = Question(
            action="lift",
            title="Lift legal holds",
            lines=[str(hold.conversation) for hold in chosen],
            button="Lift",
            advice="Why it is not needed any more. What is due is erased the next night.",
        )
        keys = [hold.pk for hold in chosen]
        reason = answered(request, question)
        if not reason:
            return ask(request, self, question, keys)
        self.tell(request, lift_holds(keys, user=person(request), reason=reason))
        return None


@admin.register(Erasure)
class ErasureAdmin(RecordAdmin):
    """Requests to erase a guest. Who it was is known only until it is done."""

    requested = moment("requested_at", description="requested")
    finished = moment("finished_at", description="finished")
    state_word = pill("state")
    said = plain("note", description="why it was refused")

    list_display = ("id", "state_word", "reason", "actor", "requested", "messages", "export_files")
    ordering = ("-id",)
    fieldsets: ClassVar = [
        (None, {"fields": (("state_word", "said"), "reason", ("actor", "requested", "finished"))}),
        (
            "Removed",
            {
                "fields": (
                    ("conversations", "messages", "texts"),
                    ("attachments", "extracts", "export_files"),
                )
            },
        ),
    ]
