"""The transcript socket's rules: who speaks, what is counted, and each refusal in its own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.genesys.events import (
    ConversationClosed,
    ConversationUpdated,
    Ignored,
    Malformed,
    MessageCopied,
)
from conversations.genesys.protocols.transcript import TranscriptProtocol
from conversations.genesys.protocols.verdicts import Close, End, GiveUp, Reconnect, RenewToken

AT = "2024-06-15T10:30:00.000Z"
MOMENT = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)


def protocol() -> TranscriptProtocol:
    return TranscriptProtocol("conv-1")


def added(**payload: Any) -> str:
    whole = {"from": {"id": "external"}, "text": "Hola", "type": "text", "timestamp": AT}
    return json.dumps({"event": "messageAdded", "timestamp": AT, "payload": whole | payload})


def copied(**payload: Any) -> MessageCopied:
    event = protocol().frame_received(added(**payload))
    assert isinstance(event, MessageCopied)
    return event


@pytest.mark.parametrize(
    ("sender", "kind", "origin"),
    [
        ("external", "text", "guest"),
        ("agent-7", "text", "agent"),
        ("EXTERNAL", "text", "agent"),
        ("external", "system", "system"),
        ("agent-7", "system", "system"),
    ],
)
def test_external_is_the_customer_and_a_system_message_is_neither(sender, kind, origin):
    assert copied(**{"from": {"id": sender}, "type": kind}).origin == origin


def test_a_message_carries_its_conversation_id_name_and_time():
    event = copied(id="m-1", **{"from": {"id": "external", "name": "Anonymous"}})

    assert event == MessageCopied("conv-1", "m-1", "guest", "external", "Anonymous", "Hola", MOMENT)


def test_a_payload_without_a_time_has_the_frames():
    assert copied(timestamp=None).sent_at == MOMENT


def test_a_system_message_needs_no_sender():
    assert copied(**{"from": None, "type": "system"}).sender_id == ""


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("typing", "typing"),
        ("Typing...", "typing"),
        ("typing stopped", "typing"),
        ("readReceipt", "read"),
        ("Read receipt", "read"),
        ("read", "read"),
        ("Agent is typing up a summary", ""),
        ("Agent joined", ""),
        ("please read this", ""),
    ],
)
def test_typing_and_receipts_are_notices_of_the_system_alone(text, notice):
    assert copied(text=text, type="system").notice == notice
    assert copied(text=text).notice == ""


def test_updates_and_the_end_are_events_and_others_are_ignored():
    frames = [{"event": name, "timestamp": AT} for name in
              ("conversationUpdated", "conversationClosed", "news")]  # fmt: skip

    events = [protocol().frame_received(json.dumps(frame)) for frame in frames]

    assert events == [
        ConversationUpdated("conv-1", MOMENT),
        ConversationClosed("conv-1", MOMENT),
        Ignored("news"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",
        "{",
        "[]",
        '{"event": 5}',
        '{"event": "messageAdded"}',
        added(text=5),
        added(**{"from": {"id": ""}}),
        added(id=["m"]),
        added(timestamp="yesterday"),
        '{"event": "conversationClosed"}',
    ],
)
def test_what_cannot_be_read_is_malformed_and_never_fatal(data):
    assert isinstance(protocol().frame_received(data), Malformed)


NAMES = st.sampled_from(["event", "payload", "from", "id", "text", "type", "timestamp"])
VALUES = st.none() | st.text() | st.integers() | st.just("messageAdded")


@given(st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner)))
@settings(max_examples=40, deadline=None)
def test_no_frame_raises(frame):
    protocol().frame_received(json.dumps(frame))


# --- closes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001])
def test_an_end_on_purpose_ends_the_stream(code):
    assert isinstance(protocol().verdict(Close(code)), End)


def test_the_end_says_whether_the_conversation_is_closed():
    closed = protocol()
    closed.frame_received(json.dumps({"event": "conversationClosed", "timestamp": AT}))

    assert closed.verdict(Close(1000)) == End("the conversation is closed")
    assert "1001" in protocol().verdict(Close(1001)).reason


@pytest.mark.parametrize("code", [1006, 1011, 1012, None])
def test_other_closes_and_a_failed_connect_reconnect(code):
    assert isinstance(protocol().verdict(Close(code)), Reconnect)


def test_each_refusal_is_told_apart_in_words():
    closes = [
        Close(1008),
        Close(1002),
        Close(None, http_status=401),
        Close(None, http_status=403),
        Close(None, http_status=429),
    ]

    verdicts = [protocol().verdict(close) for close in closes]

    assert [type(one) for one in verdicts] == [
        RenewToken, RenewToken, RenewToken, GiveUp, Reconnect,
    ]  # fmt: skip
    reasons = [one.reason for one in verdicts]
    assert len(set(reasons)) == 5
    for reason, code in zip(reasons, ("1008", "1002", "401", "403", "429"), strict=True):
        assert code in reason
        assert len(reason) <= 160  # and the session's own words beside it in one field
    assert all("view:conversation" in reasons[index] for index in (0, 1, 3))


@pytest.mark.parametrize(("asked_s", "waits_s"), [(None, 35), (2, 35), (60, 60)])
def test_too_many_at_once_backs_off_longer_than_any_usual_delay(asked_s, waits_s):
    verdict = protocol().verdict(Close(None, http_status=429, retry_after_s=asked_s))

    assert isinstance(verdict, Reconnect)
    assert verdict.at_least_s == waits_s


def test_keep_alive_as_on_the_org_socket():
    assert (protocol().keep_alive(), protocol().first_frames()) == ('{"type":"keepalive"}', ())
