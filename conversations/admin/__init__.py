"""The records in Django's admin; importing this package registers them on Parley's site."""

from conversations.admin import (
    attributes,
    conversation,
    dead_letter,
    delivery,
    hold,
    journal,
    login_attempts,
    message,
    people,
    stream,
    token,
    verification,
)

__all__ = [
    "attributes",
    "conversation",
    "dead_letter",
    "delivery",
    "hold",
    "journal",
    "login_attempts",
    "message",
    "people",
    "stream",
    "token",
    "verification",
]
