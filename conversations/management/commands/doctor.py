"""`doctor`: configuration and reachability of everything Parley depends on, a line each.

It changes nothing and prints no secret; each failure names the setting and the fix. The checks run
side by side, so that several things that do not answer take no longer than one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from conversations import checks, conf
from conversations.genesys.config import GenesysConfig
from conversations.genesys.exceptions import CredentialsRefused, GenesysError
from conversations.genesys.oauth import fetch_token
from conversations.health import broker_reason
from conversations.net.exceptions import NetError
from conversations.net.http import HttpClient
from conversations.net.masking import mask
from conversations.services.tokens import credentials_of, is_refused

CONNECT_TIMEOUT_S = 3.0
DATABASE_TIMEOUT_S = 2  # for each of its addresses; the least that PostgreSQL's client takes
CLOCK_SKEW_S = 5.0
KEY_LENGTH = 32
KEYS = ("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY")
DEFAULT_TRANSLATION_HOST = "https://api.deepl.com"
FREE_TRANSLATION_HOST = "https://api-free.deepl.com"


class Unwell(Exception):
    """What is wrong with one thing: the setting, and the fix."""


class Command(BaseCommand):
    help = "Check configuration and reachability of everything Parley depends on."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        with ThreadPoolExecutor(len(CHECKS), thread_name_prefix="doctor") as threads:
            running = {name: threads.submit(_examine, check) for name, check in CHECKS.items()}
            for name, answer in running.items():
                is_well, said = answer.result()
                failed += not is_well
                self.stdout.write(f"{'ok  ' if is_well else 'FAIL'} {name}: {mask(said)}")
        if failed:
            raise CommandError(f"{failed} of {len(CHECKS)} checks failed.", returncode=1)


def _examine(check: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, check()
    except Unwell as error:
        return False, str(error)
    finally:
        connection.close()  # each thread has its own


def check_keys() -> str:
    for name in KEYS:
        if len(getattr(settings, name, "")) < KEY_LENGTH:
            raise Unwell(f"{name} is missing or short. Give it {KEY_LENGTH} random characters.")
    if len({getattr(settings, name) for name in KEYS}) < len(KEYS):
        raise Unwell(f"{', '.join(KEYS)} are not all different. Give each its own value.")
    return f"{', '.join(KEYS)} have {KEY_LENGTH} characters or more and differ"


def check_origins() -> str:
    if not settings.ALLOWED_ORIGINS:
        raise Unwell(
            "ALLOWED_ORIGINS is empty: no browser can follow live. Set it to the address people "
            "use, for example https://parley.example.org"
        )
    for error in checks.check_origins():
        raise Unwell(f"{error.msg} {error.hint}")
    return ", ".join(settings.ALLOWED_ORIGINS)


def check_database() -> str:
    if reason := _database_reason():
        raise Unwell(f"not reachable: {reason}. Set DATABASE_URL, and start the server it names.")
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise Unwell(f"migrations cannot be read ({type(error).__name__}).") from error
    if plan:
        raise Unwell(f"{len(plan)} migrations are missing. Run manage.py migrate.")
    return f"{connection.vendor}, migrated"


def _database_reason() -> str:
    """Why it does not answer; asked without the pool, which only says that it has waited."""
    try:
        if connection.vendor == "postgresql":
            limit = {"connect_timeout": DATABASE_TIMEOUT_S}
            psycopg.connect(**connection.get_connection_params() | limit).close()
        else:
            connection.ensure_connection()
    except (psycopg.Error, DatabaseError, InterfaceError) as error:
        return str(error).strip().partition("\n")[0]
    return ""


def check_broker() -> str:
    if not settings.REDIS_URL:
        return "REDIS_URL is not set: embedded mode, everything in one process"
    if reason := broker_reason():
        raise Unwell(f"{reason}. Set REDIS_URL, and start the server it names.")
    return "reachable"


def check_credentials() -> str:
    try:
        config = conf.genesys_config()
    except ImproperlyConfigured as error:
        raise Unwell(str(error)) from error
    host = urlsplit(config.oauth_url).netloc
    try:
        asyncio.run(_fetch_token(config))
    except CredentialsRefused as error:
        raise Unwell(
            f"{host} refuses GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET. Copy both from the "
            "OAuth client, or try the other GENESYS_OAUTH_STYLE."
        ) from error
    except (GenesysError, NetError) as error:
        raise Unwell(f"{host}: {error}. Check GENESYS_ENV or GENESYS_OAUTH_URL.") from error
    if _is_remembered_as_refused(config):
        raise Unwell(
            f"{host} gives a token, but has refused these credentials before, and nothing else "
            "asks it until that is forgotten: admin, Access tokens, Ask for a token again."
        )
    return f"{host} gives a token"


def _is_remembered_as_refused(config: GenesysConfig) -> bool:
    try:
        return not _database_reason() and is_refused(credentials_of(config))
    except DatabaseError:  # not migrated, as its own line says
        return False


async def _fetch_token(config: GenesysConfig) -> None:
    http = HttpClient()
    try:
        await fetch_token(http, config, now=timezone.now, tries=1)
    finally:
        await http.aclose()


def check_translation() -> str:
    if not settings.TRANSLATION_API_KEY:
        raise Unwell("TRANSLATION_API_KEY is not set. Put the key of your provider there.")
    url = settings.TRANSLATION_API_URL or _usual_translation_host()
    parts = urlsplit(url)
    if not parts.hostname:
        raise Unwell("TRANSLATION_API_URL is no address. Write https://host/path, or leave it out.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise Unwell(
            f"{parts.hostname}:{port} cannot be reached ({error}). Check TRANSLATION_API_URL and "
            "the way out of this network."
        ) from error
    return f"key set, {parts.hostname}:{port} reachable"


def _usual_translation_host() -> str:
    is_free = settings.TRANSLATION_API_KEY.endswith(":fx")
    return FREE_TRANSLATION_HOST if is_free else DEFAULT_TRANSLATION_HOST


def check_exports() -> str:
    """Looks, and makes nothing: the folder comes with the first export."""
    folder = Path(settings.EXPORT_FOLDER)
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise Unwell(
            f"EXPORT_FOLDER: this user cannot write to {nearest}. Fix path or permissions."
        )
    if nearest == folder and folder.stat().st_mode & 0o077:
        raise Unwell(f"EXPORT_FOLDER: others of this machine can read it. Run chmod 700 {folder}")
    return f"{folder} can be written"


def check_clock() -> str:
    """Against the clocks at hand: PostgreSQL's, and the platform's by its answers' Date."""
    skews = dict(_skews())
    for whose, seconds in skews.items():
        if abs(seconds) > CLOCK_SKEW_S:
            raise Unwell(
                f"this machine's clock is {seconds:+.0f} s from that of {whose}. Run an NTP client."
            )
    return f"agrees with {' and '.join(skews)}" if skews else "nothing to compare it with"


def _skews() -> Iterator[tuple[str, float]]:
    if connection.vendor == "postgresql" and not _database_reason():
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (moment,) = cursor.fetchone()
        yield "the database", (timezone.now() - moment).total_seconds()
    try:
        headers = asyncio.run(_platform_headers())
        stamp = parsedate_to_datetime(headers.get("Date") or "")
    except (NetError, ValueError):
        return
    yield "the platform", (datetime.now(UTC) - stamp).total_seconds()


async def _platform_headers() -> Any:
    http = HttpClient()
    try:
        answer = await http.request("GET", settings.GENESYS_API_URL)
        return answer.headers
    finally:
        await http.aclose()


CHECKS: dict[str, Callable[[], str]] = {
    "keys": check_keys,
    "origins": check_origins,
    "database": check_database,
    "broker": check_broker,
    "Genesys credentials": check_credentials,
    "translation": check_translation,
    "exports": check_exports,
    "clock": check_clock,
}
