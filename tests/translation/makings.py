"""Translations as they are made, for tests of what is done with them."""

from __future__ import annotations

from translation.services import Made


def made(text: str = "Hello", *, language: str = "es", target: str = "en-US") -> Made:
    return Made(
        text=text,
        source_language=language,
        target_language=target,
        provider="deepl",
        latency_ms=84,
    )
