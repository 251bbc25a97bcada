"""What the settings say, read when asked for, so that tests can override them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from assist.redaction.custom import CustomPattern, InvalidPattern, parse_patterns
from assist.redaction.redactor import Redactor


def patterns() -> tuple[CustomPattern, ...]:
    try:
        return parse_patterns(settings.REDACTION_PATTERNS)
    except InvalidPattern as error:
        raise ImproperlyConfigured(f"REDACTION_PATTERNS: {error}.") from None


def redactor() -> Redactor:
    return Redactor(language=settings.TRANSCRIPTION_LANGUAGE, patterns=patterns())


def subscription(interaction_id: str) -> dict[str, Any]:
    """The first frame of a stream (protocol §4)."""
    kind = settings.TRANSCRIPTION_REDACTION
    return {
        "type": "subscribe",
        "interactionId": interaction_id,
        "language": settings.TRANSCRIPTION_LANGUAGE,
        "model": settings.TRANSCRIPTION_MODEL,
        "redaction": {"enabled": kind != "none", "type": kind},
        "maxConcurrentStreams": settings.MAX_CONCURRENT_STREAMS,
    }


def listed_interactions() -> list[str]:
    """Those that ASSIST_INTERACTIONS wants transcribed, whoever watches."""
    return list(listed_agents())


def listed_agents() -> dict[str, str]:
    """Interaction → the agent whose call it is, where "id=agent" says so."""
    pairs = (item.partition("=") for item in settings.ASSIST_INTERACTIONS)
    return {interaction: agent for interaction, _, agent in pairs if interaction}
