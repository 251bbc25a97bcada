"""The assist pages: the list of calls, and the shell that a call's socket fills."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assist import admission, conf
from assist.snapshots import streams_of
from conversations import access
from conversations.models import Conversation
from conversations.services.views import note_refusal

_SHOWN = 100


@require_safe
@never_cache
@login_required
def calls(request: HttpRequest) -> HttpResponse:
    """Calls that are listed or were heard lately; `?interaction=` opens one by its id."""
    if not access.can(request.user, admission.ACTION):
        raise PermissionDenied
    wanted = request.GET.get("interaction", "").strip()
    if wanted and admission.visible_call(request.user, wanted):
        return redirect("assist-call", interaction_id=wanted)
    context = {
        "rows": _rows(request),
        "wanted": wanted,
        "may_open_any": access.sees_every_conversation(request.user),
        "limit": settings.MAX_CONCURRENT_STREAMS,
    }
    return render(request, "assist/calls.html", context, status=404 if wanted else 200)


def _rows(request: HttpRequest) -> list[dict[str, Any]]:
    visible = access.visible_conversations(request.user).filter(channel=Conversation.Channel.VOICE)
    known = {call.external_id: call for call in visible.order_by("-last_event_at")[:_SHOWN]}
    listed = [
        name
        for name in conf.listed_interactions()
        if name not in known and admission.visible_call(request.user, name)
    ]
    names = [*listed, *known]
    streams = streams_of(names)
    return [{"id": name, "call": known.get(name), "stream": streams[name]} for name in names]


@require_safe
@never_cache
@login_required
def call(request: HttpRequest, interaction_id: str) -> HttpResponse:
    if not admission.visible_call(request.user, interaction_id):
        note_refusal(request.user, interaction_id, where=admission.ACTION)
        if not access.can(request.user, admission.ACTION):
            raise PermissionDenied
        raise Http404("no such call")
    context = {"interaction_id": interaction_id, "late_ms": settings.LATENCY_THRESHOLD_MS}
    return render(request, "assist/call.html", context)
