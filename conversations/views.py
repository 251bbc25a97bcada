"""The console's pages: shells that the live socket fills. They ask `access`, and nobody else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations import access


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """Where somebody's work is: the wall, or the audit trail for those who only read that."""
    if not access.can(request.user, "live") and access.can(request.user, "audit"):
        return redirect("admin:index")
    return redirect("live")


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
    if not access.can(request.user, "live"):
        raise PermissionDenied
    visible = access.visible_conversations(request.user)
    found = get_object_or_404(visible, external_id=external_id)
    return render(request, "console/conversation.html", {"conversation": found})
