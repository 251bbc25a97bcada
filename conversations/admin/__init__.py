"""The records in Django's admin; importing this package registers them on Parley's site."""

from conversations.admin import attributes, conversation, delivery, journal, message, people, stream

__all__ = ["attributes", "conversation", "delivery", "journal", "message", "people", "stream"]
