"""The operations page: what stands, what waits for a person, and the forms of their decisions.

A door that asks `access`, then a service. Works without JavaScript; with it, operations.js posts
the same forms and reads the same page again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations import access, dashboards
from conversations.contributions import providers
from conversations.models import DeadLetter, DeadLetterBody
from conversations.models.dead_letter import readable
from conversations.net.strict_json import clean_text
from conversations.services.dead_letters import close_dead_letters, replay_dead_letters
from conversations.services.decisions import Outcome
from conversations.services.review import Decision, decide_deliveries, is_key, seen_in
from conversations.services.views import note_lines, note_view

View = Callable[..., HttpResponse]

_SAID_AT_ONCE = 5  # refusals in full; how many more there were is said
_NAME_AT_MOST = 32
_NO_DECISION = Outcome(False, "That is no decision. Nothing was changed.")
_NO_REASON = Outcome(False, "Closing a dead letter needs a reason. Nothing was changed.")


def door(action: str) -> Callable[[View], View]:
    """Lets in whoever may do `action`; somebody who has to log in first comes to the page."""

    def guarded(view: View) -> View:
        @never_cache
        @wraps(view)
        def enter(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(reverse("operations"))
            if not access.can(request.user, action):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return enter

    return guarded


@door("operations")
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    board = dashboards.board(timezone.now())
    if board.reviews:  # with their texts
        note_lines(_user(request), where="operations")
    return render(request, "console/operations.html", {"board": board})


@door("review")
@require_safe
def dead_letter(request: HttpRequest, pk: int) -> HttpResponse:
    """What was kept of one letter, so that somebody can decide about it."""
    rows = DeadLetter.objects.select_related("conversation", "message", "decided_by")
    letter = get_object_or_404(rows, pk=pk)
    if letter.conversation_id is not None:
        note_view(_user(request), letter.conversation_id, where="operations")
    kept = DeadLetterBody.objects.filter(dead_letter=letter).first()
    body = readable(bytes(kept.body)) if kept else None
    return render(request, "console/dead_letter.html", {"letter": letter, "body": body})


@door("review")
@require_POST
def review(request: HttpRequest) -> HttpResponse:
    word, rows = _chosen(request)
    decision = next((known for known in Decision if known == word), None)
    if decision is None:
        return _back(request, [_NO_DECISION], "review")
    return _back(request, decide_deliveries(seen_in(rows), decision, user=_user(request)), "review")


@door("review")
@require_POST
def dead_letters(request: HttpRequest) -> HttpResponse:
    word, rows = _chosen(request)
    ids = [int(row) for row in rows if is_key(row)]
    reason = request.POST.get("reason", "").strip()
    if word == "replay":
        outcomes = replay_dead_letters(ids, user=_user(request))
    elif word != "close":
        outcomes = [_NO_DECISION]
    elif not reason:
        outcomes = [_NO_REASON]
    else:
        outcomes = close_dead_letters(ids, user=_user(request), reason=reason)
    return _back(request, outcomes, "dead-letters")


@door("settings")
@require_POST
def ask_again(request: HttpRequest) -> HttpResponse:
    """Forget why a provider was not asked: its breaker, its quota, its throttle."""
    name, user = clean_text(request.POST.get("provider", "")[:_NAME_AT_MOST]), _user(request)
    done = any(each.ask_again(name, user=user) for each in providers())
    words = "will be asked again within seconds." if done else "is no provider."
    return _back(request, [Outcome(done, f"{name} {words}")], "providers")


def _chosen(request: HttpRequest) -> tuple[str, list[str]]:
    """The decision and the rows it is about: the button of one row, or the rows that are ticked."""
    word, _, row = request.POST.get("only", "").partition(" ")
    if word:
        return word, [row]
    return request.POST.get("decision", ""), request.POST.getlist("row")


def _back(
    request: HttpRequest, outcomes: Sequence[Outcome], section: str = ""
) -> HttpResponseRedirect:
    """To the page, which says what came of it."""
    _tell(request, outcomes)
    address = reverse("operations")
    return HttpResponseRedirect(f"{address}#{section}" if section else address)


def _tell(request: HttpRequest, outcomes: Sequence[Outcome]) -> None:
    done = [outcome.words for outcome in outcomes if outcome.is_done]
    refused = [outcome.words for outcome in outcomes if not outcome.is_done]
    if not outcomes:
        messages.warning(request, "Choose at least one row. Nothing was changed.")
    if done:
        messages.success(request, done[0] if len(done) == 1 else f"{len(done)} done.")
    for words in _first(refused):
        messages.warning(request, words)


def _first(words: list[str]) -> Iterable[str]:
    yield from words[:_SAID_AT_ONCE]
    if len(words) > _SAID_AT_ONCE:
        yield f"And {len(words) - _SAID_AT_ONCE} more were not done."


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the door let them in
    return request.user
