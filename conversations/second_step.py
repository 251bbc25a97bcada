"""The second step of a log-in, a code after the password; and who gets no further without one.

Between the two steps nobody is logged in: the session holds for some minutes whose password was
right, and no door asks it but this one.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from conversations import access
from conversations.login import HALF_WAY, enter, limited
from conversations.services import second_factor

WITHIN_S = 300
# Where somebody may go whose role needs a second factor that they have not set up.
_OPEN = {
    "account", "account-begin", "account-confirm", "logout", "session", "healthz", "readyz",
    "metrics",
}  # fmt: skip


class SecondFactorMiddleware(MiddlewareMixin):
    """Leads to the page where it is set up; that no other does anything is `access`' own rule."""

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in {*_OPEN, "admin:logout"}:
            return None
        if not access.lacks_second_factor(request.user):
            return None
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return redirect("account")


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponseBase:
    """Whatever is wrong with a code, the answer is the same."""
    waiting = request.session.get(HALF_WAY)
    user = _whose(waiting)
    if waiting is None or user is None:
        request.session.pop(HALF_WAY, None)
        return redirect("login")

    def ask(request: HttpRequest) -> HttpResponse:
        is_wrong = False
        if request.method == "POST":
            shown = second_factor.check(user, request.POST.get("code", ""))
            if shown:
                user.backend = waiting["backend"]  # type: ignore[attr-defined]
                enter(request, user, by=f"password and {shown}")
                return redirect(waiting["next"])
            is_wrong = True
        return render(request, "console/second_step.html", {"is_wrong": is_wrong})

    return limited(ask, account=user.get_username(), what="code")(request)


def _whose(waiting: Any) -> User | None:
    """Whose password was right, some minutes ago at most and unchanged since."""
    if not waiting or time.time() - waiting["at"] > WITHIN_S:
        return None
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or access.second_factor_of(user) is None:
        return None
    is_same = constant_time_compare(waiting["hash"], user.get_session_auth_hash())
    return user if is_same else None
