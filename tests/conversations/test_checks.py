"""What would break in production is said at start, with its id and its fix."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db import connection

from conversations.checks import check_origins, check_production, check_public_simulator


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
    settings.REDIS_URL = redis
    if connection.vendor == "sqlite":
        found = found | {"parley.W002"}

    warnings = check_production()

    assert {warning.id for warning in warnings} == found
    assert all(warning.hint for warning in warnings)


def test_the_checks_are_registered():
    ids = {message.id for message in run_checks(include_deployment_checks=True)}

    assert "parley.E001" not in ids
