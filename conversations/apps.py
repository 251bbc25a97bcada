"""The heart's application."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from conversations import checks, people_changes, receivers  # noqa: F401
        from conversations.models import timestamps  # noqa: F401
