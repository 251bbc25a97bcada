"""Addresses of the pages' sockets."""

from django.urls import path

from conversations.live.consumers import ConversationConsumer, WallConsumer

websocket_urlpatterns = [
    path("ws/live/", WallConsumer.as_asgi()),
    path("ws/live/<str:external_id>/", ConversationConsumer.as_asgi()),
]
