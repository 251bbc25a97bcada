"""What the settings say, read when asked for, so that tests can override them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from conversations.genesys.config import GenesysConfig


def genesys_config() -> GenesysConfig:
    """The platform's addresses and credentials; a missing one is named with its fix."""
    for name in ("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"):
        if not getattr(settings, name):
            raise ImproperlyConfigured(
                f"{name} is not set. Create an OAuth client of type Client Credentials in "
                "Genesys Cloud and put its id and secret into the environment."
            )
    return GenesysConfig(
        client_id=settings.GENESYS_CLIENT_ID,
        client_secret=settings.GENESYS_CLIENT_SECRET,
        oauth_url=settings.GENESYS_OAUTH_URL,
        oauth_style="form" if settings.GENESYS_OAUTH_STYLE == "form" else "basic",
        scopes=settings.GENESYS_SCOPES,
        api_url=settings.GENESYS_API_URL,
        messaging_socket_url=settings.GENESYS_MESSAGING_SOCKET_URL,
        transcript_socket_url=settings.GENESYS_TRANSCRIPT_SOCKET_URL,
        transcription_socket_url=settings.GENESYS_TRANSCRIPTION_SOCKET_URL,
        typing_socket_url=settings.GENESYS_TYPING_SOCKET_URL,
    )
