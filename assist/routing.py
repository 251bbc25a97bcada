"""Addresses of the assist page's sockets."""

from django.urls import path

from assist.consumers import AssistConsumer

websocket_urlpatterns = [path("ws/assist/<str:external_id>/", AssistConsumer.as_asgi())]
