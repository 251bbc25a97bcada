"""System checks: what would break at run time is said at start, with the fix."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from conversations.live.origins import as_browsers_write


@checks.register(checks.Tags.security)
def check_origins(**kwargs: Any) -> list[checks.Error]:
    listed = (*settings.ALLOWED_ORIGINS, *settings.SIMULATOR_ORIGINS, *settings.ALLOWED_HOSTS)
    patterns = [
        entry for entry in listed if "*" in entry or entry.startswith(".") or "://." in entry
    ]
    if patterns:
        return [
            checks.Error(
                "ALLOWED_ORIGINS, SIMULATOR_ORIGINS and ALLOWED_HOSTS must not contain a * or begin"
                " with a dot: "
                f"{', '.join(patterns)}.",
                hint="List each one exactly, for example https://parley.example.org",
                id="parley.E001",
            )
        ]
    return [
        error
        for name in ("ALLOWED_ORIGINS", "SIMULATOR_ORIGINS")
        for origin in getattr(settings, name)
        for error in _errors_of(name, origin)
    ]


@checks.register(checks.Tags.security)
def check_public_simulator(**kwargs: Any) -> list[checks.CheckMessage]:
    if settings.SIMULATOR_PUBLIC and not settings.SIMULATOR_ORIGINS:
        return [
            checks.Error(
                "SIMULATOR_PUBLIC is on, and SIMULATOR_ORIGINS lists nobody who may come.",
                hint="List the origins of the front ends, for example https://shop.example.org",
                id="parley.E003",
            )
        ]
    if set(settings.SIMULATOR_ORIGINS) & set(settings.ALLOWED_ORIGINS):
        return [
            checks.Error(
                "An origin is in both SIMULATOR_ORIGINS and ALLOWED_ORIGINS: the pages of the first"
                " are let in without a login.",
                hint="Serve the front end from an origin of its own.",
                id="parley.E004",
            )
        ]
    return []


def _errors_of(name: str, origin: str) -> list[checks.Error]:
    """The comparison is exact: another spelling than a browser's would lock everybody out."""
    written = as_browsers_write(origin)
    if written == origin:
        return []
    if written is None:
        message = f"{name}: {origin} is no origin."
        hint = "Write scheme://host[:port], for example https://parley.example.org"
    else:
        message = f"{name}: no browser writes its origin as {origin}."
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
