"""Is the process alive, and can it work: /healthz, /readyz.

Reasons are for observers only; everybody else learns no more than yes or no.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations import outages
from conversations.models import StreamState
from conversations.observers import is_observer

BROKER_TIMEOUT_S = 2


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    reasons = [reason for check in CHECKS if (reason := check())]
    lines = reasons if reasons and is_observer(request) else ["not ready" if reasons else "ready"]
    status = 503 if reasons else 200
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain")


def database_reason() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        outages.tell(error)
        return f"database: not reachable ({type(error).__name__})"
    return ""


def broker_reason() -> str:
    if not settings.REDIS_URL:
        return ""
    timeout = BROKER_TIMEOUT_S
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return f"broker: not reachable ({type(error).__name__})"
    return ""


def streams_reason() -> str:
    """Somebody must hold the platform's org socket, and it must be live; others may come and go."""
    try:
        streams = list(StreamState.objects.filter(kind=StreamState.Kind.MESSAGING).order_by("key"))
    except (DatabaseError, InterfaceError) as error:
        trouble = outages.tell(error)
        return f"streams: not known, {trouble.line if trouble else type(error).__name__}"
    if any(is_live(stream, timezone.now()) for stream in streams):
        return ""
    if not streams:
        return "streams: none yet, no gateway has run (manage.py run_gateway)"
    return "streams: " + "; ".join(_words(stream) for stream in streams)


def is_live(stream: StreamState, now: datetime) -> bool:
    held = stream.lease_until is not None and stream.lease_until > now
    return held and stream.state == StreamState.State.LIVE


def _words(stream: StreamState) -> str:
    if stream.lease_until is None or stream.lease_until <= timezone.now():
        return f"{stream} is held by no gateway"
    return f"{stream} is {stream.state}, {stream.reason}".removesuffix(", ")


CHECKS: tuple[Callable[[], str], ...] = (database_reason, broker_reason, streams_reason)
