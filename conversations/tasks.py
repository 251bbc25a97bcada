"""Celery's side of the heart: keeping house."""

from __future__ import annotations

from celery import shared_task
from django.db import DatabaseError, InterfaceError

from conversations import outages
from conversations.services.closing import close_idle_conversations


@shared_task(name="sync.close_idle")
def close_idle() -> None:
    """Close conversations that have been silent for CONVERSATION_IDLE_CLOSE_H."""
    try:
        close_idle_conversations()
    except (DatabaseError, InterfaceError) as error:
        if outages.tell(error) is None:
            raise
