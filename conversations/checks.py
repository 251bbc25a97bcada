"""System checks: what would break at run time is said at start, with the fix."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security)
def check_origins(**kwargs: Any) -> list[Error]:
    if "*" in settings.ALLOWED_ORIGINS or "*" in settings.ALLOWED_HOSTS:
        return [
            Error(
                "ALLOWED_ORIGINS and ALLOWED_HOSTS must not contain *.",
                hint="List each origin exactly, for example https://parley.example.org",
                id="parley.E001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_production(**kwargs: Any) -> list[Warning]:
    found = []
    if not settings.REDIS_URL:
        found.append(
            Warning(
                "REDIS_URL is not set: everything must run in one process.",
                hint="Set REDIS_URL, or use manage.py run_embedded.",
                id="parley.W001",
            )
        )
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        found.append(
            Warning(
                "The database is SQLite: one host only.",
                hint="Set DATABASE_URL=postgresql://…",
                id="parley.W002",
            )
        )
    return found
