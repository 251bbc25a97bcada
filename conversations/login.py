"""The two doors where somebody logs in, this console's and the admin's, held to one limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth import login as begin
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from conversations.client_address import client_address, network_of
from conversations.net.strict_json import clean_text
from conversations.services.login_limits import admit, forgive
from conversations.services.people import note_logged_in, note_login_refused
from conversations.session_limits import has_logged_in

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
_NAME_AT_MOST = 150


class Door(LoginView):
    """Django's own, with an entry in the journal for whoever comes in."""

    def form_valid(self, form: Any) -> HttpResponse:
        enter(self.request, form.get_user(), by="password")
        return HttpResponseRedirect(self.get_success_url())


def enter(request: HttpRequest, user: Any, *, by: str) -> None:
    """Nobody comes in whose entry cannot be written."""
    with transaction.atomic():
        begin(request, user)
        note_logged_in(user, network=network_of(client_address(request)), by=by)


def limited(view: View) -> View:
    """Asked before anything is looked at: the answer is the same for accounts that are not."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        account = request.POST.get("username", "")[:_NAME_AT_MOST]
        network = network_of(client_address(request))
        wait_s = admit(account, network, now=timezone.now())
        if wait_s:
            logger.warning("too many attempts to log in from %s", network)
            _note_refused(account, network, what="too many")
            return _refused(request, wait_s)
        answer = view(request, *args, **kwargs)
        if has_logged_in(request):
            forgive(account, network)
        else:
            _note_refused(account, network, what="password")
        return answer

    return guarded


def _note_refused(account: str, network: str, *, what: str) -> None:
    user = get_user_model().objects.filter(username=clean_text(account)).first()
    note_login_refused(user, network=network, what=what)


def _refused(request: HttpRequest, wait_s: int) -> HttpResponse:
    answer = render(
        request, "console/too_many.html", {"minutes": max(1, round(wait_s / 60))}, status=429
    )
    answer.headers["Retry-After"] = str(wait_s)
    answer.headers["Cache-Control"] = "no-store"
    return answer
