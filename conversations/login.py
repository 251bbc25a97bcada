"""The two doors where somebody logs in, this console's and the admin's, held to one limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from conversations.client_address import client_address, network_of
from conversations.services.login_limits import admit, forgive
from conversations.session_limits import has_logged_in

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
_NAME_AT_MOST = 150


def limited(view: View) -> View:
    """Asked before anything is looked at: the answer is the same for accounts that are not."""

    @wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        account = request.POST.get("username", "")[:_NAME_AT_MOST]
        network = network_of(client_address(request))
        wait_s = admit(account, network, now=timezone.now())
        if wait_s:
            logger.warning("too many attempts to log in from %s", network)
            return _refused(request, wait_s)
        answer = view(request, *args, **kwargs)
        if has_logged_in(request):
            forgive(account, network)
        return answer

    return enter


def _refused(request: HttpRequest, wait_s: int) -> HttpResponse:
    answer = render(
        request, "console/too_many.html", {"minutes": max(1, round(wait_s / 60))}, status=429
    )
    answer.headers["Retry-After"] = str(wait_s)
    answer.headers["Cache-Control"] = "no-store"
    return answer
