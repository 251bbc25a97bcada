"""Which machine may read figures and reasons without logging in: this one, one of a network that
the settings name, or whoever has the token (screens.md, /readyz and /metrics).
"""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest

from conversations.client_address import parsed

# A proxy speaks for others: its own address says nothing about them.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def is_observer(request: HttpRequest) -> bool:
    return _is_near(request) or _has_token(request)


def _is_near(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    address = parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return False
    return address.is_loopback or any(address in network for network in settings.METRICS_NETWORKS)


def _has_token(request: HttpRequest) -> bool:
    """Compared in constant time; without METRICS_TOKEN nobody has it."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
