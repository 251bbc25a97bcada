"""System checks: what would break at run time is said at start, with the fix."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from conversations.live.origins import as_browsers_write


@checks.register(checks.Tags.security)
def check_origins(**kwargs: Any) -> list[checks.Error]:
    patterns = [
        entry
        for entry in (*settings.ALLOWED_ORIGINS, *settings.ALLOWED_HOSTS)
        if "*" in entry or entry.startswith(".") or "://." in entry
    ]
    if patterns:
        return [
            checks.Error(
                "ALLOWED_ORIGINS and ALLOWED_HOSTS must not contain a * or begin with a dot: "
                f"{', '.join(patterns)}.",
                hint="List each one exactly, for example https://parley.example.org",
                id="parley.E001",
            )
        ]
    return [error for origin in settings.ALLOWED_ORIGINS for error in _errors_of(origin)]


def _errors_of(origin: str) -> list[checks.Error]:
    """The comparison is exact: another spelling than a browser's would lock everybody out."""
    written = as_browsers_write(origin)
    if written == origin:
        return []
    if written is None:
        message = f"ALLOWED_ORIGINS: {origin} is no origin."
        hint = "Write scheme://host[:port], for example https://parley.example.org"
    else:
        message = f"ALLOWED_ORIGINS: no browser writes its origin as {origin}."
        hint = f"Write {written}"
    return [checks.Error(message, hint=hint, id="parley.E002")]


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
    if not (settings.JOURNAL_SIGNING_KEY and settings.JOURNAL_ANCHOR_FILE):
        found.append(
            checks.Warning(
                "The journal is not anchored: the end of a chain could be cut off unseen.",
                hint="Set JOURNAL_SIGNING_KEY (openssl rand -hex 32) and JOURNAL_ANCHOR_FILE.",
                id="parley.W003",
            )
        )
    return found
