"""What would break in production is said at start, with its id and its fix."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.core.checks import run_checks
from django.db import connection

from conversations.checks import (
    check_admin_path,
    check_debug,
    check_keys,
    check_origins,
    check_production,
    check_proxies,
    check_public_simulator,
    check_triggers,
)
from tests.conversations.histories import tamper


@pytest.mark.parametrize("name", ["ALLOWED_ORIGINS", "SIMULATOR_ORIGINS", "ALLOWED_HOSTS"])
@pytest.mark.parametrize("pattern", ["*", "*.example.org", ".example.org"])
def test_a_pattern_is_refused_and_named(name: str, pattern: str, settings):
    setattr(settings, name, ["https://parley.example.org", pattern])

    (error,) = check_origins()

    assert (error.id, bool(error.hint)) == ("parley.E001", True)
    assert pattern in error.msg


@pytest.mark.parametrize("pattern", ["https://*", "https://*.example.org", "https://.example.org"])
def test_an_origin_with_a_pattern_is_refused(pattern: str, settings):
    settings.ALLOWED_ORIGINS = [pattern]

    (error,) = check_origins()

    assert error.id == "parley.E001"


@pytest.mark.parametrize("origin", ["parley.example.org", "https://", "https://parley.org/live"])
def test_what_is_no_origin_is_named(origin: str, settings):
    settings.ALLOWED_ORIGINS = ["https://parley.example.org", origin]

    (error,) = check_origins()

    assert error.id == "parley.E002"
    assert origin in error.msg


@pytest.mark.parametrize("origin", ["https://Parley.org", "https://parley.org:443"])
def test_a_spelling_that_no_browser_sends_is_corrected(origin: str, settings):
    settings.ALLOWED_ORIGINS = [origin]

    (error,) = check_origins()

    assert (error.id, error.hint) == ("parley.E002", "Write https://parley.org")


def test_an_origin_of_a_front_end_is_held_to_the_same_rule(settings):
    settings.SIMULATOR_ORIGINS = ["https://Shop.example.org"]

    (error,) = check_origins()

    assert (error.id, error.hint) == ("parley.E002", "Write https://shop.example.org")
    assert "SIMULATOR_ORIGINS" in error.msg


@pytest.mark.parametrize(
    ("public", "origins", "found"),
    [
        (True, [], ["parley.E003"]),
        (True, ["https://parley.example.org"], ["parley.E004"]),
        (True, ["https://shop.example.org"], []),
        (False, [], []),
    ],
)
def test_a_public_simulator_needs_origins_of_its_own(public, origins, found, settings):
    settings.ALLOWED_ORIGINS = ["https://parley.example.org"]
    settings.SIMULATOR_PUBLIC, settings.SIMULATOR_ORIGINS = public, origins

    assert [error.id for error in check_public_simulator()] == found


def test_exact_origins_pass(settings):
    settings.ALLOWED_ORIGINS = ["https://parley.example.org"]
    settings.ALLOWED_HOSTS = ["parley.example.org"]

    assert check_origins() == []


@pytest.mark.django_db
@pytest.mark.parametrize(("redis", "found"), [("redis://localhost", set()), ("", {"parley.W001"})])
def test_what_holds_on_one_host_only_is_a_warning(redis: str, found: set[str], settings):
    settings.REDIS_URL, settings.SESSION_COOKIE_SECURE = redis, True
    settings.SECOND_FACTOR_FOR = ["admin"]
    if connection.vendor == "sqlite":
        found = found | {"parley.W002"}

    warnings = check_production()

    assert {warning.id for warning in warnings} == found
    assert all(warning.hint for warning in warnings)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, "parley.W004"),
        ({"SESSION_COOKIE_SECURE": False}, "parley.W005"),
        ({"SESSION_IDLE_MIN": 721}, "parley.W006"),
        ({"RETAIN_TEXTS_DAYS": 0}, "parley.W007"),
        ({"SECOND_FACTOR_FOR": []}, "parley.W009"),
        ({"JOURNAL_ANCHOR_FILE": ""}, "parley.W003"),
    ],
)
def test_what_opens_a_door_in_production_is_named_with_its_fix(changes, found, settings, tmp_path):
    settings.SESSION_COOKIE_SECURE, settings.JOURNAL_ANCHOR_FILE = True, str(tmp_path / "a")
    settings.REDIS_URL, settings.SECOND_FACTOR_FOR = "redis://localhost", ["admin"]
    expected = {warning.id for warning in check_production()} | {found}

    for name, value in changes.items():
        setattr(settings, name, value)

    assert {warning.id for warning in check_production()} == expected
    assert all(warning.hint for warning in check_production())


def test_a_key_that_serves_two_purposes_is_refused(settings):
    assert check_keys() == []

    settings.FIELD_KEY = settings.JOURNAL_KEY

    (error,) = check_keys()
    assert error.msg == "FIELD_KEY and JOURNAL_KEY have the same value."
    assert settings.JOURNAL_KEY not in f"{error.msg}{error.hint}"


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [
        (True, ["localhost", "127.0.0.1"], []),
        (True, ["parley.example.org"], ["parley.E006"]),
        (False, ["parley.example.org"], []),
    ],
)
def test_debug_pages_are_for_this_machine_alone(debug, hosts, found, settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts

    assert [error.id for error in check_debug()] == found


@pytest.mark.parametrize("path", ["", "live", "login/x", "static", "exports", "account"])
def test_the_admin_stands_in_no_other_pages_place(path: str, settings):
    settings.ADMIN_PATH = "records-7f3a"
    assert check_admin_path() == []

    settings.ADMIN_PATH = path

    assert [error.id for error in check_admin_path()] == ["parley.E007"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_nobody_trusts_everybodys_word(network: str, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert check_proxies() == []

    settings.TRUSTED_PROXIES = [ip_network(network)]

    (error,) = check_proxies()
    assert network in error.msg


@pytest.mark.django_db
def test_triggers_that_were_taken_away_are_missed():
    assert check_triggers(databases=["default"]) == []

    tamper("SELECT 1")

    (error,) = check_triggers(databases=["default"])
    assert error.id == "parley.E009"


def test_the_checks_are_registered():
    ids = {message.id for message in run_checks(include_deployment_checks=True)}

    assert "parley.E001" not in ids
