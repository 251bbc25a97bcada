"""How long a session lasts: so long without a sign of its owner, and so long at all.

A sign is a request for a page, or a page's word that somebody touches it (session.js); its sockets
are none, and neither is a page that reads itself again (page.js). Sockets end with the session,
whose row says until when it holds (live/rights).
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.db import DatabaseError, InterfaceError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_POST

from conversations import access
from conversations.middleware import answer_to_outage

NOTED_EVERY_S = 60  # a page's requests come in bursts, and each note is a write
BY_ITSELF = "X-Parley-By-Itself"  # header of a request that nobody has made: a page's own
_BEGAN, _SEEN = "began", "seen"


@receiver(user_logged_in)
def begin_session(request: HttpRequest, **kwargs: Any) -> None:
    """Django has given it a new key by now, so that nobody knows it from before."""
    now = int(time.time())
    request.session[_BEGAN] = now
    _note(request, began=now, now=now)
    request.__dict__["_parley_logged_in"] = True


def has_logged_in(request: HttpRequest) -> bool:
    """In this very request, with the right password."""
    return bool(request.__dict__.get("_parley_logged_in"))


class SessionLimitsMiddleware(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        try:
            _hold_to_limits(request)
        except (DatabaseError, InterfaceError) as error:
            answer = answer_to_outage(error)
            if answer is None:
                raise
            return answer
        return None


@require_POST
def session(request: HttpRequest) -> HttpResponse:
    """A page says that somebody is there; the middleware has noted it by now."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


def _hold_to_limits(request: HttpRequest) -> None:
    kept = request.session
    if SESSION_KEY not in kept:
        return
    now = int(time.time())
    began, seen = int(kept.get(_BEGAN, now)), int(kept.get(_SEEN, 0))
    is_idle = bool(seen) and now - seen >= settings.SESSION_IDLE_MIN * 60
    is_old = now - began >= settings.SESSION_MAX_H * 3600
    if is_idle or is_old or not access.session_stands(request.user, kept):
        kept.flush()
        request.user = AnonymousUser()
    elif now - seen >= NOTED_EVERY_S and BY_ITSELF not in request.headers:
        kept[_BEGAN] = began
        _note(request, began=began, now=now)


def _note(request: HttpRequest, *, began: int, now: int) -> None:
    request.session[_SEEN] = now
    left = began + settings.SESSION_MAX_H * 3600 - now
    # Somebody who was noted just before is seen again only a minute later.
    request.session.set_expiry(max(1, min(settings.SESSION_IDLE_MIN * 60 + NOTED_EVERY_S, left)))
