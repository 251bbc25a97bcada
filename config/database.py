"""Turns DATABASE_URL into Django's DATABASES entry (reliability §5.2)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_POSTGRESQL = {"postgres", "postgresql"}

# SQLite's default lets two writers dead-lock; IMMEDIATE + WAL + FULL loses nothing (F18).
_SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000; "
        # What is erased is overwritten in the file, and not only taken out of its tables.
        "PRAGMA secure_delete=ON;"
    ),
}


def entry(url: str) -> dict[str, object]:
    """Django's settings for `url`: `postgresql://user:password@host:port/name` or `sqlite:///path`."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:  # its text may hold a piece of the password
        raise ImproperlyConfigured(
            "DATABASE_URL is no address. Write the / : @ # ? and % of a password as "
            "%2F %3A %40 %23 %3F and %25."
        ) from None
    if parts.scheme == "sqlite":
        return _sqlite(url)
    if parts.scheme in _POSTGRESQL and "://" in url:
        return _postgresql(url)
    raise ImproperlyConfigured(
        "DATABASE_URL must begin with postgresql:// or sqlite:///, for example "
        "postgresql://parley:password@localhost:5432/parley"
    )


def _sqlite(url: str) -> dict[str, object]:
    name = unquote(url.removeprefix("sqlite://").removeprefix("/"))
    name = name or "parley.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": dict(_SQLITE_OPTIONS),
        "TEST": {"NAME": str(Path(name).with_suffix(".test.sqlite3"))},
    }


def _postgresql(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,  # under ASGI persistent connections leak; the pool keeps them instead
        "OPTIONS": {
            **dict(parse_qsl(parts.query)),  # sslmode and the like
            "pool": {"min_size": 1, "max_size": 10, "timeout": 5, "max_lifetime": 1800},
            # The hot statements are prepared by models/wire.py, and psycopg prepares none: at
            # each ROLLBACK it would deallocate all of a connection, ours with its own.
            "prepare_threshold": None,
            "connect_timeout": 5,
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15000,
            "options": (
                "-c statement_timeout=15000 -c lock_timeout=5000 "
                "-c idle_in_transaction_session_timeout=30000 "
                # A plan kept from when a table was small reads all of it for ever (measured:
                # twice the server's CPU); every frequent statement here has its index.
                "-c enable_seqscan=off "
                # A scan that is the only way then looks dear enough to be compiled: 100 ms and
                # more of the server's CPU for a query of one.
                "-c jit=off"
            ),
        },
    }
