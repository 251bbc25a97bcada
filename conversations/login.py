"""The two doors where somebody logs in, this console's and the admin's, held to one limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth import login as begin
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django_otp import login as verify

from conversations import access
from conversations.client_address import client_address, network_of
from conversations.net.strict_json import clean_text
from conversations.services.login_limits import admit, forgive, is_to_be_noted, take_back
from conversations.services.people import note_logged_in, note_login_refused
from conversations.session_limits import has_logged_in

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
HALF_WAY = "half_way"  # in a session: whose password was right, and whose code is not there yet
_ASKED = "_parley_asked_for_code"  # in this very request
_NAME_AT_MOST = 150


class Door(LoginView):
    """Django's own, with an entry in the journal for whoever comes in; whoever has a second factor
    is asked for that first (second_step.py)."""

    def form_valid(self, form: Any) -> HttpResponse:
        user, onward = form.get_user(), self.get_success_url()
        if access.second_factor_of(user) is None:
            enter(self.request, user, by="password")
            return HttpResponseRedirect(onward)
        session = self.request.session
        session.cycle_key()
        session[HALF_WAY] = {
            "user": user.pk,
            "hash": user.get_session_auth_hash(),
            "backend": user.backend,
            "at": int(time.time()),
            "next": onward,
        }
        self.request.__dict__[_ASKED] = True
        return redirect("second-step")


def enter(request: HttpRequest, user: Any, *, by: str) -> None:
    """Nobody comes in whose entry cannot be written."""
    with transaction.atomic():
        begin(request, user)
        request.session.pop(HALF_WAY, None)
        verify(request, access.second_factor_of(user))
        note_logged_in(user, network=network_of(client_address(request)), by=by)


def limited(view: View, *, account: str | None = None, what: str = "password") -> View:
    """Asked before anything is looked at: the answer is the same for accounts that are not.

    `account`: where it is not typed.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        typed = request.POST.get("username", "") if account is None else account
        name, network = typed[:_NAME_AT_MOST], network_of(client_address(request))
        wait_s = admit(name, network, now=timezone.now())
        if wait_s:
            logger.warning("too many attempts to log in from %s", network)
            _note_refused(name, network, what="too many")
            return too_many(request, wait_s)
        answer = view(request, *args, **kwargs)
        if has_logged_in(request):
            forgive(name, network)
        elif request.__dict__.get(_ASKED):
            take_back(name, network)
        else:
            _note_refused(name, network, what=what)
        return answer

    return guarded


def _note_refused(account: str, network: str, *, what: str) -> None:
    if is_to_be_noted(account, network, now=timezone.now()):
        user = get_user_model().objects.filter(username=clean_text(account)).first()
        note_login_refused(user, network=network, what=what)


def too_many(request: HttpRequest, wait_s: int) -> HttpResponse:
    answer = render(
        request, "console/too_many.html", {"minutes": max(1, round(wait_s / 60))}, status=429
    )
    answer.headers["Retry-After"] = str(wait_s)
    answer.headers["Cache-Control"] = "no-store"
    return answer
