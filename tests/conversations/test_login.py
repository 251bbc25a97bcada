"""Guesses at passwords are bounded, at both doors, and nobody is kept out by a stranger (S13)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from conversations.client_address import client_address, network_of, parsed
from conversations.models import LoginAttempts
from conversations.services.login_limits import admit, forget_old_attempts
from tests.conversations import histories

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-7"


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def cora() -> User:
    return histories.user("cora", "compliance", password=PASSWORD)


def try_in(
    client: Client, name: str, password: str, *, door: str = "login", at: str = "192.0.2.7",
    **headers: str,
) -> Any:  # fmt: skip
    data = {"username": name, "password": password}
    return client.post(reverse(door), data, REMOTE_ADDR=at, **headers)


@pytest.mark.parametrize("door", ["login", "admin:login"])
def test_the_sixth_guess_is_not_tried_even_if_it_is_right(client: Client, cora: User, door: str):
    codes = [try_in(client, "cora", f"guess-{n}", door=door).status_code for n in range(5)]
    refused = try_in(client, "cora", PASSWORD, door=door)

    assert codes == [200] * 5
    assert refused.status_code == 429
    assert 890 < int(refused.headers["Retry-After"]) <= 901
    assert "Try again in 15 minutes" in refused.content.decode()
    assert "_auth_user_id" not in client.session


def test_both_doors_count_together(client: Client, cora: User):
    for door in ("login", "admin:login", "login", "admin:login", "login"):
        try_in(client, "cora", "guess", door=door)

    assert try_in(client, "cora", PASSWORD, door="admin:login").status_code == 429


def test_after_the_window_it_is_tried_again(client: Client, cora: User):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        for _ in range(7):
            try_in(client, "cora", "guess")

    with time_machine.travel(now + timedelta(minutes=15, seconds=1), tick=False):
        assert try_in(client, "cora", PASSWORD).status_code == 302


def test_an_account_that_is_not_has_the_same_answers(client: Client, cora: User):
    answers = {
        name: [try_in(client, name, "guess", at=at) for _ in range(6)]
        for name, at in (("cora", "192.0.2.7"), ("nobody", "198.51.100.7"))
    }

    known, unknown = answers["cora"], answers["nobody"]
    assert [one.status_code for one in known] == [one.status_code for one in unknown]
    assert known[5].content == unknown[5].content
    assert known[0].content.decode().replace("cora", "") .split("csrf")[0] == unknown[
        0].content.decode().replace("nobody", "").split("csrf")[0]  # fmt: skip


def test_a_strangers_guesses_do_not_keep_the_owner_out(client: Client, cora: User):
    for _ in range(20):
        try_in(client, "cora", "guess", at="198.51.100.66")

    assert try_in(client, "cora", PASSWORD, at="192.0.2.7").status_code == 302


def test_a_right_password_forgives_the_guesses_before_it(client: Client, cora: User):
    for _ in range(3):
        for _ in range(4):
            try_in(client, "cora", "slip")
        assert try_in(client, "cora", PASSWORD).status_code == 302
        client.logout()

    assert not LoginAttempts.objects.filter(kind="account").exists()


def test_whoever_is_logged_in_forgives_nobody_elses_guesses(client: Client, cora: User):
    mallory = Client()
    mallory.force_login(histories.user("mallory", "agent"))

    for _ in range(5):
        try_in(client, "cora", "guess")
        try_in(mallory, "cora", "guess")

    assert try_in(client, "cora", PASSWORD).status_code == 429


def test_a_network_that_tries_many_names_has_to_wait(client: Client, settings):
    settings.LOGIN_NETWORK_ATTEMPTS = 8

    codes = [try_in(client, f"name-{n}", "guess", at=f"192.0.2.{n}").status_code for n in range(10)]

    assert codes == [200] * 8 + [429] * 2
    assert LoginAttempts.objects.filter(kind="account").count() == 8


def test_guesses_from_many_networks_reach_few_passwords(settings):
    now = timezone.now()
    reached = 0
    for n in range(70):
        reached += admit("cora", f"10.0.{n % 10}.0/24", now=now) == 0

    assert reached == 10 * settings.LOGIN_ATTEMPTS


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_no_way_around():
    def guess(_: int) -> int:
        try:
            return admit("cora", "192.0.2.0/24", now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(guess, range(24)))

    assert waits.count(0) == 5


def test_a_name_that_no_account_has_is_not_kept(client: Client, cora: User):
    try_in(client, "my-secret-password", "cora")
    try_in(client, "cora", "guess")

    accounts = LoginAttempts.objects.filter(kind="account").values_list("account", flat=True)
    assert set(accounts) == {"", "cora"}


# --- whose address --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "found"),
    [
        ([], "192.0.2.7", "203.0.113.9", "192.0.2.7"),
        (["10.0.0.0/8"], "192.0.2.7", "203.0.113.9", "192.0.2.7"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
    ],
)
def test_a_forwarded_address_counts_as_far_as_the_proxies_are_trusted(
    proxies: list[str], remote: str, forwarded: str, found: str, settings
):
    settings.TRUSTED_PROXIES = [ip_network(one) for one in proxies]
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}

    address = client_address(RequestFactory().post("/", REMOTE_ADDR=remote, **headers))

    assert str(address) == found


def test_a_forwarded_address_of_nobody_we_trust_changes_no_count(client: Client, cora: User):
    for n in range(5):
        try_in(client, "cora", "guess", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")

    spoofed = try_in(client, "cora", PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert spoofed.status_code == 429


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ("", "unknown"),
    ],
)
def test_one_customers_addresses_are_one_network(address: str, network: str):
    assert network_of(parsed(address)) == network


# --- letting them in again ------------------------------------------------------------------------
def test_the_machine_lets_them_in_again(client: Client, cora: User):
    for _ in range(6):
        try_in(client, "cora", "guess")

    call_command("reset_logins", "--account", "cora")

    assert try_in(client, "cora", PASSWORD).status_code == 302


def test_an_admin_sees_who_waits_and_lets_them_in(client: Client, cora: User):
    for _ in range(6):
        try_in(client, "cora", "guess")
    admin = Client()
    admin.force_login(histories.user("ada", "admin"))
    page = reverse("admin:conversations_loginattempts_changelist")

    listed = admin.get(page).content.decode()
    assert "has to wait" in listed
    assert "cora" in listed
    row = LoginAttempts.objects.get(account="cora")
    admin.post(page, {"action": "let_in", "_selected_action": row.pk})

    assert try_in(client, "cora", PASSWORD).status_code == 302


def test_counts_of_long_ago_are_forgotten():
    now = timezone.now()
    admit("cora", "192.0.2.0/24", now=now - timedelta(days=2))
    admit("cora", "198.51.100.0/24", now=now)

    forget_old_attempts(now=now)

    assert set(LoginAttempts.objects.values_list("network", flat=True)) == {"198.51.100.0/24"}


def test_the_limit_stands_before_the_password(monkeypatch: pytest.MonkeyPatch, client: Client):
    asked = []
    monkeypatch.setattr(
        "django.contrib.auth.forms.authenticate",
        lambda *args, **options: asked.append(1) or authenticate(*args, **options),
    )

    for _ in range(9):
        try_in(client, "cora", "guess")

    assert len(asked) == 5
