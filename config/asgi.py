"""The ASGI application: HTTP by Django, WebSockets by Channels behind an exact origin check."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

from config import shutdown, startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
with startup.one_line():
    _http = get_asgi_application()
    startup.check()

from assist.engagement import keeper
from assist.routing import websocket_urlpatterns as assist_urlpatterns
from config.back_pressure import BackPressure
from conversations.guest_page.socket import PublicSimulator, simulator_socket
from conversations.live.origins import ExactOrigins
from conversations.live.outage import CloseDuringOutage
from conversations.live.routing import nowhere, websocket_urlpatterns

# Channels routes ASGI applications by Django's paths, which are typed for views.
sockets = [
    path("ws/simulator/", simulator_socket),  # type: ignore[arg-type]
    *websocket_urlpatterns,
    *assist_urlpatterns,
]

application = ProtocolTypeRouter(
    {
        "http": BackPressure(_http),
        "websocket": CloseDuringOutage(
            PublicSimulator(
                ExactOrigins(
                    AuthMiddlewareStack(URLRouter([*sockets, nowhere])), settings.ALLOWED_ORIGINS
                )
            )
        ),
    }
)
shutdown.end_in_time(after=keeper.close)  # what agents typed in the last seconds
