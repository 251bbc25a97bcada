"""A session ends when nobody is there, and at the end of the day; a password ends all (S14)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from conversations.sessions import row_key
from tests.conversations import histories

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-7"


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def began() -> datetime:
    return timezone.now()


def log_in(client: Client, at: datetime) -> User:
    user = histories.user("sue", "supervisor", password=PASSWORD)
    with time_machine.travel(at, tick=False):
        client.post("/login/", {"username": "sue", "password": PASSWORD})
    return user


def is_in(client: Client, at: datetime, path: str = "/live/") -> bool:
    with time_machine.travel(at, tick=False):
        answer = client.post(path) if path == "/session/" else client.get(path)
    return answer.status_code in (200, 204)


@pytest.mark.parametrize(("minutes", "expected"), [(29, True), (30.5, False), (32, False)])
def test_without_a_sign_it_ends_after_half_an_hour(
    client: Client, began: datetime, minutes: float, expected: bool
):
    log_in(client, began)

    assert is_in(client, began + timedelta(minutes=minutes)) is expected


@pytest.mark.parametrize("path", ["/operations/", "/exports/"])
def test_a_page_that_reads_itself_again_is_no_sign(client: Client, began: datetime, path: str):
    log_in(client, began)
    answers = []

    for minute in range(1, 32):
        with time_machine.travel(began + timedelta(minutes=minute), tick=False):
            answers.append(client.get(path, headers={"X-Parley-By-Itself": "1"}))

    assert "/login/" not in answers[28].headers.get("Location", "")
    assert answers[30].headers["Location"].startswith("/login/")


def test_each_sign_keeps_it_but_not_past_twelve_hours(client: Client, began: datetime):
    log_in(client, began)

    kept = [is_in(client, began + timedelta(minutes=20 * n), "/session/") for n in range(1, 12 * 3)]

    assert all(kept)
    assert not is_in(client, began + timedelta(hours=12, seconds=1))


def test_its_row_ends_with_it_so_that_sockets_do(client: Client, began: datetime):
    log_in(client, began)
    session = Session.objects.get()
    assert timedelta(minutes=29) < session.expire_date - began <= timedelta(minutes=31, seconds=1)

    is_in(client, began + timedelta(minutes=20))

    session.refresh_from_db()
    assert session.expire_date - began > timedelta(minutes=49)


def test_requests_in_a_burst_are_one_write(client: Client, began: datetime):
    log_in(client, began)
    before = Session.objects.get().session_data

    is_in(client, began + timedelta(seconds=30))

    assert Session.objects.get().session_data == before


def test_logging_in_gives_it_another_key(client: Client, began: datetime):
    """Whoever planted a key before knows none after."""
    client.get("/login/")
    planted = client.session
    planted["x"] = 1
    planted.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = planted.session_key

    log_in(client, began)

    assert client.session.session_key != planted.session_key
    assert not Session.objects.filter(pk=row_key(planted.session_key)).exists()


def test_a_new_password_ends_every_session_of_its_owner(client: Client, began: datetime):
    user = log_in(client, began)
    assert is_in(client, began + timedelta(seconds=1))

    user.set_password("another-long-password-8")
    user.save()

    assert not is_in(client, began + timedelta(seconds=2))


def test_a_session_of_before_these_limits_begins_now(client: Client, began: datetime):
    log_in(client, began)
    session = client.session
    del session["began"], session["seen"]
    session.set_expiry(12 * 3600)
    session.save()

    assert is_in(client, began + timedelta(hours=3))
    assert not is_in(client, began + timedelta(hours=3, minutes=31))


def test_the_database_does_not_hold_what_the_cookie_holds(client: Client, began: datetime):
    log_in(client, began)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value

    (row,) = Session.objects.all()
    assert row.session_key == row_key(cookie) != cookie
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = row.session_key
    assert not is_in(thief, began)
    client.post("/logout/")
    assert not Session.objects.exists()
