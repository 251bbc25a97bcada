"""The admin is there for the networks that are listed, and to others a page that is none (S15)."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client

from conversations.checks import check_admin_networks
from conversations.models import LoginAttempts
from tests.conversations import histories

pytestmark = pytest.mark.django_db
OFFICE = ["192.0.2.0/24", "2001:db8:7::/48"]


@pytest.fixture(autouse=True)
def office_only(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.ADMIN_NETWORKS = [ip_network(one) for one in OFFICE]


def is_open(client: Client, remote: str, forwarded: str = "") -> bool:
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    status = client.get("/admin/login/", REMOTE_ADDR=remote, **headers).status_code
    assert status in (200, 404)
    return status == 200


def told(answer: Any) -> tuple[int, dict[str, str], str]:
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, dict(answer.headers), page


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.77", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.77", True),
        ("::ffff:192.0.3.1", False),
        ("2001:db8:7:1::5", True),
        ("2001:db8:8::5", False),
        ("", False),  # a socket that says nothing
    ],
)
def test_it_opens_for_the_addresses_of_its_networks(client: Client, remote: str, expected: bool):
    assert is_open(client, remote) is expected


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "expected"),
    [
        ([], "203.0.113.9", "192.0.2.7", False),
        ([], "192.0.2.7", "203.0.113.9", True),  # nobody speaks for whoever connects
        (["10.0.0.0/8"], "203.0.113.9", "192.0.2.7", False),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.7", True),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.7, 203.0.113.9", False),  # written by the client
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9, 192.0.2.7, 10.0.0.2", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "[2001:db8:7::1]:4711", True),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.7, nonsense", False),
        (["10.0.0.0/8"], "10.0.0.1", "", False),
    ],
)
def test_a_forwarded_address_counts_as_far_as_the_proxies_are_trusted(
    client: Client, settings, proxies: list[str], remote: str, forwarded: str, expected: bool
):
    settings.TRUSTED_PROXIES = [ip_network(one) for one in proxies]

    assert is_open(client, remote, forwarded) is expected


@pytest.mark.parametrize("who", ["anonymous", "ada"])
@pytest.mark.parametrize("path", ["", "/", "/login/", "/auth/user/", "/no-such-list/", "/jsi18n"])
def test_elsewhere_it_answers_exactly_as_a_path_that_does_not_exist(
    client: Client, who: str, path: str
):
    if who == "ada":
        client.force_login(histories.user("ada", "admin"))

    for method in ("get", "head", "post"):
        found, missing = (
            told(getattr(client, method)(f"{root}{path}", REMOTE_ADDR="203.0.113.9"))
            for root in ("/admin", "/nothing")
        )
        assert found == missing
        assert found[0] == 404


def test_no_password_is_tried_from_elsewhere_and_no_attempt_counted(client: Client):
    histories.user("ada", "admin", password="a-long-password-7")

    client.post(
        "/admin/login/",
        {"username": "ada", "password": "a-long-password-7"},
        REMOTE_ADDR="203.0.113.9",
    )

    assert "_auth_user_id" not in client.session
    assert not LoginAttempts.objects.exists()


def test_nobody_is_led_there_from_elsewhere(client: Client):
    client.force_login(histories.user("cora", "compliance"))

    inside = client.get("/", REMOTE_ADDR="192.0.2.7")
    outside = client.get("/", REMOTE_ADDR="203.0.113.9")

    assert (inside["Location"], outside["Location"]) == ("/admin/", "/exports/")
    exports = client.get("/exports/", REMOTE_ADDR="192.0.2.7").content.decode()
    assert 'href="/admin/"' in exports
    exports = client.get("/exports/", REMOTE_ADDR="203.0.113.9").content.decode()
    assert 'href="/admin/"' not in exports


def test_another_path_of_it_is_narrowed_and_what_only_begins_like_it_is_not(
    client: Client, settings
):
    settings.ADMIN_PATH = "live"  # as if it stood there

    narrowed = client.get("/live/", REMOTE_ADDR="203.0.113.9")
    settings.ADMIN_PATH = "liv"
    begins_alike = client.get("/live/", REMOTE_ADDR="203.0.113.9")

    assert (narrowed.status_code, begins_alike.status_code) == (404, 302)


def test_empty_it_opens_from_everywhere(client: Client, settings):
    settings.ADMIN_NETWORKS = []

    assert is_open(client, "203.0.113.9")


@pytest.mark.parametrize(
    ("network", "hint"),
    [
        ("0.0.0.0/0", "List the networks"),
        ("::/0", "List the networks"),
        ("::ffff:10.0.0.0/104", "Write 10.0.0.0/8"),
        ("10.0.0.0/8", None),
        ("2001:db8::/32", None),
    ],
)
def test_networks_that_make_no_sense_are_named(settings, network: str, hint: str | None):
    settings.ADMIN_NETWORKS = [ip_network(network)]

    found = check_admin_networks()

    assert [one.id for one in found] == (["parley.W008"] if hint else [])
    assert all(one.hint and one.hint.startswith(str(hint)) for one in found)
