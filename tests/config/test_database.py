"""DATABASE_URL becomes Django's entry, with the options that lose nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import entry


def test_postgresql_with_all_its_parts():
    found = entry("postgresql://user:p%40ss%2Fword@db.example.org:6432/par%20ley")

    parts = [found[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["user", "p@ss/word", "db.example.org", "6432", "par ley"]
    assert found["ENGINE"] == "django.db.backends.postgresql"


def test_postgresql_never_waits_for_ever():
    options = str(entry("postgres://user@db/parley")["OPTIONS"])

    for limit in ("statement_timeout", "lock_timeout", "connect_timeout", "tcp_user_timeout"):
        assert limit in options


def test_connections_are_kept_by_the_pool_and_not_by_django():
    found: Any = entry("postgresql://db/parley")

    assert found["CONN_MAX_AGE"] == 0
    assert found["OPTIONS"]["pool"]["max_size"] >= 4


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////var/lib/parley.sqlite3", "/var/lib/parley.sqlite3"),
        ("sqlite:///parley.sqlite3", "parley.sqlite3"),
        ("sqlite:////var/with%20space.sqlite3", "/var/with space.sqlite3"),
        ("sqlite://", "parley.sqlite3"),
    ],
)
def test_sqlite_is_a_file(url: str, name: str):
    assert entry(url)["NAME"] == name


def test_sqlite_writes_to_the_disk_and_takes_its_lock_at_once():
    options: Any = entry("sqlite:///parley.sqlite3")["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


@pytest.mark.parametrize(
    "url",
    ["mysql://db/parley", "parley", "", "postgresql+x://db/p", "postgres:parley:CANARY@db/parley"],
)
def test_another_database_is_refused_with_an_example_and_without_the_password(url: str):
    with pytest.raises(ImproperlyConfigured, match="postgresql://") as refused:
        entry(url)

    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize("password", ["CAN/ARY", "CAN#ARY", "CAN?ARY"])
def test_a_password_that_must_be_escaped_is_hinted_at_and_not_shown(password: str):
    with pytest.raises(ImproperlyConfigured, match="%2F") as refused:
        entry(f"postgresql://parley:{password}@localhost:5432/parley")

    assert "CAN" not in str(refused.value)
