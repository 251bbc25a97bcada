"""The org-wide socket's rules: no frame is fatal, every close has its verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.events import Ignored, Malformed, MessageReceived
from conversations.genesys.protocols.messaging import MessagingProtocol, socket_url
from conversations.genesys.protocols.verdicts import Close, GiveUp, Reconnect, RenewToken

PROTOCOL = MessagingProtocol()
FRAME = (
    '{"type": "message", "conversationId": "c", "from": {"id": "g", "type": "guest"},'
    ' "text": "%s", "timestamp": "2024-06-15T10:30:00.000Z"}'
)


def test_a_text_comes_out_fit_for_the_database() -> None:
    event = PROTOCOL.frame_received(FRAME % r"a\u0000b\ud800c\ud83d\ude00")

    assert isinstance(event, MessageReceived)
    assert event.text == "a\u2400b\ufffdc\U0001f600"
    assert event.raw["text"] == event.text


def test_a_defect_of_an_event_keeps_the_frame_and_names_the_field() -> None:
    event = PROTOCOL.frame_received('{"type": "message", "conversationId": "c"}')

    assert event == Malformed(
        b'{"type": "message", "conversationId": "c"}', "from is not an object", 42
    )


def test_a_large_valid_event_is_read_whole() -> None:
    event = PROTOCOL.frame_received(FRAME % ("x" * 100_000))

    assert isinstance(event, MessageReceived)
    assert len(event.text) == 100_000


def test_unknown_types_are_ignored() -> None:
    assert PROTOCOL.frame_received('{"type": "keepalive"}') == Ignored("keepalive")


@given(st.text() | st.binary())
def test_no_frame_raises(data: str | bytes) -> None:
    PROTOCOL.frame_received(data)


CODES = [*range(1000, 1016), 3000, 3003, 4000, 4001, 4400, 4402, 4429, 4500, 4998, 4999]
EXCEPTIONS = {1008: RenewToken, 4401: RenewToken, 4403: GiveUp}


@pytest.mark.parametrize("code", [*CODES, 4401, 4403])
def test_every_close_code_has_its_verdict(code: int) -> None:
    verdict = PROTOCOL.verdict(Close(code))

    assert isinstance(verdict, EXCEPTIONS.get(code, Reconnect))
    if isinstance(verdict, Reconnect):
        assert verdict.at_least_s == (5 if code in (1012, 1013) else 0)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(401, RenewToken), (403, GiveUp)]
    + [(status, Reconnect) for status in (302, 400, 404, 408, 429, 500, 502, 503, 504)],
)
def test_every_answer_to_the_handshake_has_its_verdict(status: int, verdict: type) -> None:
    assert isinstance(PROTOCOL.verdict(Close(None, http_status=status)), verdict)


def test_a_busy_platform_is_given_what_it_asks_for_and_five_seconds_at_least() -> None:
    asked = PROTOCOL.verdict(Close(None, http_status=429, retry_after_s=30))
    silent = PROTOCOL.verdict(Close(None, http_status=429))

    assert (asked, silent) == (
        Reconnect("handshake answered with 429", 30),
        Reconnect("handshake answered with 429", 5),
    )


def test_a_failed_connect_reconnects() -> None:
    assert isinstance(PROTOCOL.verdict(Close(None, "ConnectionRefusedError")), Reconnect)


def test_the_token_is_escaped_in_the_query() -> None:
    assert socket_url("wss://x/y", "a+b") == "wss://x/y?access_token=a%2Bb"
    assert socket_url("wss://x/y?z=1", "a") == "wss://x/y?z=1&access_token=a"
