"""The ASGI application: HTTP by Django, WebSockets by Channels behind an exact origin check."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

from config import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
with startup.one_line():
    _http = get_asgi_application()
    startup.check()

from assist.routing import websocket_urlpatterns as assist_urlpatterns
from conversations.live.outage import CloseDuringOutage
from conversations.live.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": _http,
        "websocket": CloseDuringOutage(
            OriginValidator(
                AuthMiddlewareStack(URLRouter([*websocket_urlpatterns, *assist_urlpatterns])),
                settings.ALLOWED_ORIGINS,
            )
        ),
    }
)
