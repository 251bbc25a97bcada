"""Figures and reasons are for this machine, for named networks and for whoever has the token."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.test import RequestFactory

from conversations.observers import is_observer

TOKEN = "a-token-of-the-tests-that-is-long-enough"
BY_A_PROXY = [
    {"x-forwarded-for": "127.0.0.1"},
    {"forwarded": "for=127.0.0.1"},
    {"x-real-ip": "::1"},
]


def ask(address: str, **headers: str):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestFactory(REMOTE_ADDR=address).get("/metrics", headers=names)


@pytest.fixture(autouse=True)
def nothing_is_set(settings) -> None:
    settings.METRICS_NETWORKS, settings.METRICS_TOKEN = [], ""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may(address: str):
    assert is_observer(ask(address))


@pytest.mark.parametrize("address", ["192.0.2.7", "10.1.2.3", "2001:db8::1", "", "unix"])
def test_nobody_else_may_by_default(address: str):
    assert not is_observer(ask(address))


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
    ],
)
def test_a_named_network_may(settings, address: str, may: bool):
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]

    assert is_observer(ask(address)) is may


@pytest.mark.parametrize("headers", BY_A_PROXY)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3"])
def test_a_proxy_lends_its_address_to_nobody(settings, address: str, headers: dict[str, str]):
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]

    assert not is_observer(RequestFactory(REMOTE_ADDR=address).get("/", headers=headers))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens_from_anywhere_and_through_a_proxy(settings, scheme: str):
    settings.METRICS_TOKEN = TOKEN

    assert is_observer(ask("192.0.2.7", authorization=f"{scheme} {TOKEN}"))
    assert is_observer(
        ask("10.1.2.3", authorization=f"{scheme} {TOKEN}", x_forwarded_for="192.0.2.7")
    )


@pytest.mark.parametrize(
    "header", [f"Bearer {TOKEN}x", "Bearer ", "Bearer", TOKEN, f"Basic {TOKEN}", "Bearer ñ"]
)
def test_any_other_word_does_not(settings, header: str):
    settings.METRICS_TOKEN = TOKEN

    assert not is_observer(ask("192.0.2.7", authorization=header))


def test_without_a_token_in_the_settings_an_empty_one_opens_nothing():
    assert not is_observer(ask("192.0.2.7", authorization="Bearer "))
