"""What compliance may have done to a conversation: held, or its guest erased."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from conversations.admin.confirmation import Question, answered, ask
from conversations.admin.decisions import DecidedAdmin, person
from conversations.admin.records import may
from conversations.models import Conversation
from conversations.services.decisions import Outcome, actor_of
from conversations.services.guest_erasure import ErasureRefused, extent_of, request_erasure
from conversations.services.holds import place_holds
from conversations.signals import erasure_requested

AT_ONCE = 50
_SHOWN = 20
_TOO_MANY = Outcome(False, f"At most {AT_ONCE} at once. Nothing was changed.")


class HeldAndErasedAdmin(DecidedAdmin):
    """Actions for conversations; each asks once more, and for a reason."""

    actions: Sequence[str] = ("hold", "erase")

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return may(request, "hold")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return may(request, "erase")

    @admin.action(description="Place a legal hold…", permissions=["hold"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> HttpResponse | None:
        chosen = list(queryset.order_by("pk")[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            self.tell(request, [_TOO_MANY])
            return None
        question = Question(
            action="hold",
            title="Place a legal hold",
            lines=_named(chosen, "Nothing is erased while the hold is in force:"),
            button="Hold",
            advice="Which case it is for. It stays in the journal.",
        )
        keys = [one.pk for one in chosen]
        reason = answered(request, question)
        if not reason:
            return ask(request, self, question, keys)
        self.tell(request, place_holds(keys, user=person(request), reason=reason))
        return None

    @admin.action(description="Erase the guest…", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> HttpResponse | None:
        chosen = list(queryset.order_by("pk")[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            self.tell(request, [_TOO_MANY])
            return None
        question = Question(
            action="erase",
            title="Erase the guest, for good",
            lines=_extents(chosen),
            button="Erase for good",
            advice="For example the number of the request. It stays in the journal for ever: "
            "leave the guest's name out.",
            word="erase",
        )
        reason = answered(request, question)
        if not reason:
            return ask(request, self, question, [one.pk for one in chosen])
        self.tell(request, _request(chosen, reason=reason, request=request))
        return None

    def tell(self, request: HttpRequest, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes[:_SHOWN]:
            level = messages.SUCCESS if outcome.is_done else messages.WARNING
            self.message_user(request, outcome.words, level)


def _people(chosen: Sequence[Conversation]) -> list[tuple[str, list[str]]]:
    """Guests by id; conversations that name none (calls) each on its own."""
    guests = dict.fromkeys(one.guest_id for one in chosen if one.guest_id)
    calls = [one.external_id for one in chosen if not one.guest_id]
    return [(guest, []) for guest in guests] + [("", [call]) for call in calls]


def _extents(chosen: Sequence[Conversation]) -> list[str]:
    lines = [
        "Texts, names, files and export files that contain them are removed for good, in every "
        "conversation of the guest and not only in those chosen. The journal still verifies."
    ]
    for guest, named in _people(chosen)[:_SHOWN]:
        extent = extent_of(guest, named)
        who = f"Guest {guest}" if guest else f"Conversation {named[0]}"
        lines.append(
            f"{who}: {extent.messages} messages of {extent.conversations} conversations, "
            f"{extent.open} of them open"
        )
    return lines


def _request(chosen: Sequence[Conversation], *, reason: str, request: HttpRequest) -> list[Outcome]:
    outcomes = []
    user = person(request)
    for guest, named in _people(chosen):
        try:
            erasure = request_erasure(
                guest, reason=reason, actor=actor_of(user), named=named, user=user
            )
        except ErasureRefused as refusal:
            outcomes.append(Outcome(False, str(refusal)))
        else:
            words = f"Erasure {erasure.pk} begins within a minute; see Erasures."
            outcomes.append(Outcome(True, words))
    if any(outcome.is_done for outcome in outcomes):
        transaction.on_commit(lambda: erasure_requested.send(sender=Conversation), robust=True)
    return outcomes


def _named(chosen: Sequence[Conversation], head: str) -> list[str]:
    names = [one.external_id for one in chosen[:_SHOWN]]
    more = [f"and {len(chosen) - _SHOWN} more"] if len(chosen) > _SHOWN else []
    return [head, *names, *more]
