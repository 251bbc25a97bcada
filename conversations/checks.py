"""System checks: what would break at run time is said at start, with the fix."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections

from conversations.live.origins import as_browsers_write
from conversations.models import JournalEntry

_MAPPED = 96  # bits before an IPv4 address within IPv6
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "::1", "testserver"}
# Where other pages are, as far as they begin.
_TAKEN = {"account", "live", "assist", "operations", "simulator", "exports", "login", "logout",
          "session", "static", "ws", "healthz", "readyz", "metrics"}  # fmt: skip


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


@checks.register(checks.Tags.security)
def check_keys(**kwargs: Any) -> list[checks.Error]:
    """Each has its own purpose: whoever learns one must not hold the others."""
    names = ("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY", "METRICS_TOKEN")
    values: dict[str, list[str]] = {}
    for name in names:
        if value := getattr(settings, name):
            values.setdefault(value, []).append(name)
    return [
        checks.Error(
            f"{' and '.join(same)} have the same value.",
            hint="Make a random value for each: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="parley.E005",
        )
        for same in values.values()
        if len(same) > 1
    ]


@checks.register(checks.Tags.security)
def check_debug(**kwargs: Any) -> list[checks.Error]:
    """Django's error pages show settings and texts to whoever provokes one."""
    hosts = {host for host in settings.ALLOWED_HOSTS if host not in _LOCAL_HOSTS}
    if not (settings.DEBUG and hosts):
        return []
    return [
        checks.Error(
            f"DEBUG is on, and others reach this as {', '.join(sorted(hosts))}.",
            hint="Set DEBUG=false, or ALLOWED_HOSTS to localhost alone.",
            id="parley.E006",
        )
    ]


@checks.register(checks.Tags.security)
def check_admin_path(**kwargs: Any) -> list[checks.Error]:
    first = settings.ADMIN_PATH.split("/")[0]
    if settings.ADMIN_PATH and first not in _TAKEN:
        return []
    return [
        checks.Error(
            f"ADMIN_PATH: {settings.ADMIN_PATH or 'an empty one'} is where other pages are.",
            hint="Choose another word, best one that nobody guesses.",
            id="parley.E007",
        )
    ]


@checks.register(checks.Tags.security)
def check_proxies(**kwargs: Any) -> list[checks.Error]:
    """To trust everybody's word is to have no limit at all."""
    wide = [str(network) for network in settings.TRUSTED_PROXIES if network.prefixlen == 0]
    if not wide:
        return []
    return [
        checks.Error(
            f"TRUSTED_PROXIES holds {', '.join(wide)}: anybody could say where they come from.",
            hint="List the proxies' own addresses, for example 10.0.0.0/24.",
            id="parley.E008",
        )
    ]


@checks.register(checks.Tags.security)
def check_admin_networks(**kwargs: Any) -> list[checks.Warning]:
    """What lets everybody in, or nobody."""
    found = []
    for network in settings.ADMIN_NETWORKS:
        first = network.network_address
        mapped = first.ipv4_mapped if isinstance(first, IPv6Address) else None
        if network.prefixlen == 0:
            message = f"ADMIN_NETWORKS holds {network}: the admin opens from everywhere."
            hint = "List the networks that administrators come from, or leave it empty."
        elif mapped is not None and network.prefixlen >= _MAPPED:
            message = f"ADMIN_NETWORKS holds {network}, which no address is compared with."
            hint = f"Write {mapped}/{network.prefixlen - _MAPPED}"
        else:
            continue
        found.append(checks.Warning(message, hint=hint, id="parley.W008"))
    return found


@checks.register(checks.Tags.database)
def check_triggers(databases: Any = None, **kwargs: Any) -> list[checks.Error]:
    """The journal's own guard against changes; asked where a command looks at the database."""
    if not databases:
        return []
    table = JournalEntry._meta.db_table
    with connections["default"].cursor() as cursor:
        if table not in connections["default"].introspection.table_names(cursor):
            return []
        if connections["default"].vendor == "sqlite":
            asked = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
            wanted = 2
        else:
            asked = (
                "SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
                "WHERE NOT tgisinternal AND tgenabled <> 'D' AND relname = %s"
            )
            wanted = 1
        cursor.execute(asked, [table])
        (found,) = cursor.fetchone()
    if found >= wanted:
        return []
    return [
        checks.Error(
            "The journal's triggers are missing or switched off: its rows could be changed.",
            hint="Run manage.py verify_audit: something may have been changed meanwhile. Then run"
            " the statements of conversations/migrations/0011_append_only_journal.py.",
            id="parley.E009",
        )
    ]


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
    return found + _warnings_of_the_door()


def _warnings_of_the_door() -> list[checks.Warning]:
    found = []
    if settings.SECURE_PROXY_SSL_HEADER and not settings.TRUSTED_PROXIES:
        found.append(
            checks.Warning(
                "BEHIND_PROXY is on and TRUSTED_PROXIES is empty: everybody comes from the proxy's"
                " address, and a stranger's guesses at passwords hold up all of them.",
                hint="Set TRUSTED_PROXIES to the proxies' networks, for example 10.0.0.0/24.",
                id="parley.W004",
            )
        )
    if not settings.SESSION_COOKIE_SECURE:
        found.append(
            checks.Warning(
                "HTTPS is off: sessions and transcripts go over the network as they are.",
                hint="Set HTTPS=true and put a proxy with TLS in front (BEHIND_PROXY=true).",
                id="parley.W005",
            )
        )
    if settings.SESSION_IDLE_MIN > settings.SESSION_MAX_H * 60:
        found.append(
            checks.Warning(
                "SESSION_IDLE_MIN is longer than SESSION_MAX_H: it has no effect.",
                hint="Shorten SESSION_IDLE_MIN (minutes), or lengthen SESSION_MAX_H (hours).",
                id="parley.W006",
            )
        )
    if not settings.SECOND_FACTOR_FOR:
        found.append(
            checks.Warning(
                "SECOND_FACTOR_FOR is empty: a password alone opens transcripts and the admin.",
                hint="Set it to roles that must have a second factor: compliance,admin, or all.",
                id="parley.W009",
            )
        )
    if not settings.RETAIN_TEXTS_DAYS:
        found.append(
            checks.Warning(
                "RETAIN_TEXTS_DAYS is 0: what guests said is kept for ever.",
                hint="Set it to the days that somebody needs the texts, for example 90.",
                id="parley.W007",
            )
        )
    return found
