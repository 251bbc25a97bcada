"""The console's pages: shells that the live socket fills, and what a page reads beside it.

They ask `access`, and nobody else.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations import access
from conversations.admin_networks import is_admin_open
from conversations.languages import choices
from conversations.live import scrollback, timeline
from conversations.models import Conversation
from conversations.net.strict_json import InvalidJson, load_json
from conversations.services.guest_language import choose_language
from conversations.services.views import note_refusal, note_view

_TAG_AT_MOST = 35
_DIGITS_AT_MOST = 18  # fits the database's integers


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """Where somebody's work is: the wall, or the audit trail for those who only read that; where
    that does not open from here, the exports."""
    if access.can(request.user, "live") or not access.can(request.user, "audit"):
        return redirect("live")
    if not is_admin_open(request) and access.can(request.user, "export"):
        return redirect("exports")
    return redirect("admin:index")


@require_safe
@never_cache
@login_required
def live(request: HttpRequest) -> HttpResponse:
    if not access.can(request.user, "live"):
        raise PermissionDenied
    return render(request, "console/live.html")


@require_safe
@never_cache
@login_required
def conversation(request: HttpRequest, external_id: str) -> HttpResponse:
    """A conversation of somebody else answers as a missing one does."""
    pk = _watched(request, external_id)
    if pk is None and not access.can(request.user, "live"):
        raise PermissionDenied
    found = get_object_or_404(Conversation, pk=pk)
    may_reply = access.conversations_to_answer(request.user).filter(pk=found.pk).exists()
    context = {"conversation": found, "may_reply": may_reply, "languages": choices()}
    return render(request, "console/conversation.html", context)


@require_safe
@never_cache
def messages(request: HttpRequest, external_id: str) -> JsonResponse:
    """Rows before or after a seq, around a message, or the last: what a page scrolls to."""
    pk = _watched(request, external_id)
    if pk is None:
        return _nothing(request)
    asked = request.GET
    values = {name: _number(asked[name]) for name in ("before", "after", "around") if name in asked}
    if len(values) > 1 or None in values.values():
        return JsonResponse({"error": "give one of before, after, around: a number"}, status=400)
    if "after" in values:
        return JsonResponse(scrollback.rows_after(pk, values["after"] or 0))
    if "around" in values:
        found = scrollback.rows_around(pk, values["around"] or 0)
        return JsonResponse(found) if found is not None else _nothing(request)
    return JsonResponse(scrollback.rows_before(pk, values.get("before")))


@require_safe
@never_cache
def message(request: HttpRequest, external_id: str, pk: int) -> JsonResponse:
    """What happened to one message."""
    conversation_pk = _watched(request, external_id)
    if conversation_pk is None or len(str(pk)) > _DIGITS_AT_MOST:
        return _nothing(request)
    found = timeline.timeline_of(conversation_pk, pk)
    return JsonResponse(found) if found is not None else _nothing(request)


@require_POST
@never_cache
def language(request: HttpRequest, external_id: str) -> JsonResponse:
    """The guest's language as its agent says; "" leaves it to what the guest writes."""
    found = answered(request, external_id)
    if found is None:
        return refused(request)
    assert request.user.is_authenticated  # noqa: S101 - `answered` has asked
    said = body_of(request).get("language")
    if not isinstance(said, str) or len(said) > _TAG_AT_MOST:
        return JsonResponse({"error": "language: a tag such as es, or empty"}, status=400)
    outcome = choose_language(found, said, user=request.user)
    if not outcome.is_done:
        return JsonResponse({"error": outcome.words}, status=400)
    return JsonResponse({"words": outcome.words})


def answered(request: HttpRequest, external_id: str) -> Conversation | None:
    """The conversation, where the viewer is the agent who answers in it."""
    if not request.user.is_authenticated:
        return None
    return access.conversations_to_answer(request.user).filter(external_id=external_id).first()


def refused(request: HttpRequest) -> JsonResponse:
    """Of `answered`: in the words that a script can show; the foreign is as the missing."""
    if not request.user.is_authenticated:
        return JsonResponse(
            {"error": "You are logged out. Log in again; your text is kept."}, status=401
        )
    if not access.can(request.user, "reply"):
        return JsonResponse(
            {"error": "Only the conversation's agent can write to the guest."}, status=403
        )
    return JsonResponse({"error": "This conversation is not, or no longer, yours."}, status=404)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that a script has posted; what is none is empty."""
    try:
        body = load_json(request.body.decode())
    except (InvalidJson, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def _watched(request: HttpRequest, external_id: str) -> int | None:
    """The key of a conversation that the viewer may watch; the journal has both answers."""
    if not request.user.is_authenticated:
        return None
    visible = access.visible_conversations(request.user).filter(external_id=external_id)
    pk = visible.values_list("pk", flat=True).first()
    if pk is None:
        note_refusal(request.user, external_id, where="live")
    else:
        note_view(request.user, pk, where="live")
    return pk


def _nothing(request: HttpRequest) -> JsonResponse:
    """A script is told in a status, not by a page to log in; the foreign is as the missing."""
    if not request.user.is_authenticated:
        return JsonResponse({"error": "log in"}, status=401)
    if not access.can(request.user, "live"):
        return JsonResponse({"error": "not allowed"}, status=403)
    return JsonResponse({"error": "there is no such thing here"}, status=404)


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_AT_MOST
    return int(text) if is_number else None
