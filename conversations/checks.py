"""System checks: what would break at run time is said at start, with the fix."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security)
def check_origins(**kwargs: Any) -> list[checks.Error]:
    if "*" in settings.ALLOWED_ORIGINS or "*" in settings.ALLOWED_HOSTS:
        return [
            checks.Error(
                "ALLOWED_ORIGINS and ALLOWED_HOSTS must not contain *.",
                hint="List each origin exactly, for example https://parley.example.org",
                id="parley.E001",
            )
        ]
    return [
        checks.Error(
            f"ALLOWED_ORIGINS: {origin} is no origin.",
            hint="Write scheme://host[:port], for example https://parley.example.org",
            id="parley.E002",
        )
        for origin in settings.ALLOWED_ORIGINS
        if not _is_origin(origin)
    ]


def _is_origin(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not parts.path


@checks.register(checks.Tags.security, deploy=True)
def check_production(**kwargs: Any) -> list[checks.Warning]:
    found = []
    if not settings.REDIS_URL:
        found.append(
            checks.Warning(
                "REDIS_URL is not set: everything must run in one process.",
                hint="Set REDIS_URL, or use manage.py run_embedded.",
                id="parley.W001",
            )
        )
    if "sqlite" in str(settings.DATABASES["default"]["ENGINE"]):
        found.append(
            checks.Warning(
                "The database is SQLite: one host only.",
                hint="Set DATABASE_URL=postgresql://…",
                id="parley.W002",
            )
        )
    return found
