"""Counts what the console's pages report of typing. Runs on the event loop: it only adds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from assist.engagement import keeper
from conversations.signals import keystrokes_reported

_ID_AT_MOST = 200  # as the rows have it


@receiver(keystrokes_reported)
def count_keystrokes(
    conversation_id: int, agent_id: str, count: int, at: datetime, **kwargs: Any
) -> None:
    if settings.COUNT_KEYSTROKES and count > 0 and 0 < len(agent_id) <= _ID_AT_MOST:
        keeper.running().report(conversation_id, agent_id, count, at)
