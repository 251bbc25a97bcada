"""What the settings say about translation, asked before a worker starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from conversations.languages import UNDETERMINED, canonical
from translation.providers import PROVIDERS, load

if TYPE_CHECKING:
    from conversations.net.http import HttpClient
    from translation.providers import Provider


def require_translation() -> None:
    """Raises ImproperlyConfigured with the first setting that is missing or wrong, and its fix."""
    if settings.TRANSLATION_PROVIDER not in PROVIDERS:
        raise ImproperlyConfigured(
            f"TRANSLATION_PROVIDER must be one of {', '.join(PROVIDERS)}, "
            f"not {settings.TRANSLATION_PROVIDER!r}."
        )
    if not settings.TRANSLATION_API_KEY:
        raise ImproperlyConfigured(
            "TRANSLATION_API_KEY is not set. Put the key of your translation provider there."
        )
    if canonical(settings.TARGET_LANGUAGE) == UNDETERMINED:
        raise ImproperlyConfigured(
            f"TARGET_LANGUAGE must be a language tag such as EN-US, "
            f"not {settings.TARGET_LANGUAGE!r}."
        )


def configured_provider(http: HttpClient) -> Provider:
    """The provider that the settings name, with its address and key."""
    return load(settings.TRANSLATION_PROVIDER).configured(
        http, url=settings.TRANSLATION_API_URL or None, key=settings.TRANSLATION_API_KEY
    )
