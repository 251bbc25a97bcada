"""Which origins open a socket, and how a browser writes them."""

from __future__ import annotations

import pytest

from conversations.live.origins import ExactOrigins, as_browsers_write

ALLOWED = "https://parley.example.org"


async def answers(*origins: bytes) -> list[str]:
    """What comes of a handshake with these Origin headers."""
    events: list[str] = []

    async def application(scope, receive, send) -> None:
        events.append("let in")

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message) -> None:
        events.append(message["type"])

    scope = {"type": "websocket", "headers": [(b"origin", origin) for origin in origins]}
    await ExactOrigins(application, [ALLOWED])(scope, receive, send)
    return events


async def test_a_listed_origin_is_let_in():
    assert await answers(ALLOWED.encode()) == ["let in"]


@pytest.mark.parametrize(
    "origins",
    [(), (b"",), (b"null",), (ALLOWED.encode(),) * 2, (ALLOWED.encode() + b":443",), (b"\xff",)],
)
async def test_no_other_is(origins):
    assert await answers(*origins) == ["websocket.close"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("https://parley.example.org", "https://parley.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("https://parley.example.org:443", "https://parley.example.org"),
        ("http://parley.example.org:80", "http://parley.example.org"),
        ("HTTPS://Parley.Example.ORG", "https://parley.example.org"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://parley.example.org/", None),
        ("https://parley.example.org?", "https://parley.example.org"),
        ("https://user@parley.example.org", None),
        ("https://*.example.org", None),
        ("https://.example.org", None),
        ("https://parley.example.org:port", None),
        ("https://parley..example.org", None),
        ("https://", None),
        ("wss://parley.example.org", None),
        ("parley.example.org", None),
        ("null", None),
        ("", None),
    ],
)
def test_an_origin_has_one_spelling(given: str, written: str | None):
    assert as_browsers_write(given) == written
