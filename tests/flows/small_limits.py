"""The web process with limits that a test can reach; Daphne serves `application`."""

from __future__ import annotations

from config.asgi import application
from conversations.live import outbox, tailer

__all__ = ["application"]

tailer.MAX_SOCKETS = 3
tailer.HEARTBEAT_S = 0.5
tailer.RIGHTS_S = 0.5
outbox.SILENT_S = 1.0
outbox.GIVE_UP_S = 8.0
