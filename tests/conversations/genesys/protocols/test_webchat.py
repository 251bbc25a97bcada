"""The rules of the guest socket: no socket, no clock, no sleep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.events import (
    ChatConnected,
    ChatMessage,
    ChatRead,
    ChatRefused,
    ChatTyping,
    Ignored,
    Malformed,
)
from conversations.genesys.protocols.verdicts import Close, End, Reconnect
from conversations.genesys.protocols.webchat import (
    MAX_EARLY,
    GuestInfo,
    WebchatProtocol,
    context_frame,
    message_frame,
    typing_frame,
)

ANA = GuestInfo("Ana", "ana@example.org")
ACKNOWLEDGED = {"type": "connect", "conversationId": "c-1", "sessionId": "s-1"}


def connected(**metadata: Any) -> WebchatProtocol:
    protocol = WebchatProtocol(ANA, metadata=metadata)
    protocol.first_frames()
    protocol.frame_received(json.dumps(ACKNOWLEDGED))
    return protocol


def received(frame: Any, *, by: WebchatProtocol | None = None) -> Any:
    return (by or connected()).frame_received(json.dumps(frame))


def test_the_first_frame_says_who_connects():
    frames = WebchatProtocol(ANA, metadata={"page": "/cart"}).first_frames()

    assert [json.loads(frame) for frame in frames] == [
        {
            "type": "connect",
            "guestInfo": {"name": "Ana", "email": "ana@example.org"},
            "metadata": {"page": "/cart"},
        }
    ]


def test_a_reconnect_names_the_session_and_waits_for_its_own_acknowledgement():
    protocol = connected(page="/cart")

    [frame] = protocol.first_frames()

    assert json.loads(frame)["metadata"] == {"page": "/cart", "sessionId": "s-1"}
    assert not protocol.is_acknowledged


def test_what_comes_before_the_acknowledgement_comes_with_it():
    protocol = WebchatProtocol(ANA)
    protocol.first_frames()

    early = received({"type": "message", "text": "Hi", "sequenceId": "1"}, by=protocol)
    acknowledged = received(ACKNOWLEDGED, by=protocol)

    assert early == Ignored("before the acknowledgement")
    assert isinstance(acknowledged, ChatConnected)
    assert [event.text for event in acknowledged.early] == ["Hi"]
    assert received(ACKNOWLEDGED, by=protocol).early == ()


def test_what_is_held_back_is_bounded_and_forgotten_with_its_connection():
    protocol = WebchatProtocol(ANA)
    protocol.first_frames()
    for number in range(MAX_EARLY + 20):
        received({"type": "message", "text": str(number)}, by=protocol)
    assert len(received(ACKNOWLEDGED, by=protocol).early) == MAX_EARLY

    protocol.first_frames()
    received({"type": "message", "text": "of a connection that broke"}, by=protocol)
    protocol.first_frames()

    assert received(ACKNOWLEDGED, by=protocol).early == ()


def test_a_message_is_read_with_all_it_has():
    event = received(
        {
            "type": "message",
            "id": "m-1",
            "text": "Hola",
            "sequenceId": "msg-7",
            "from": {"type": "agent", "name": "Tom"},
            "timestamp": "2024-06-15T10:30:00.000Z",
            "attachments": [{"filename": "x.png"}],
        }
    )

    assert (event.text, event.sequence_id, event.sender) == ("Hola", "msg-7", "agent")
    assert (event.sender_name, event.external_id) == ("Tom", "m-1")
    assert event.sent_at.isoformat() == "2024-06-15T10:30:00+00:00"
    assert event.attachments[0].name == "x.png"


@pytest.mark.parametrize(
    ("sequence_id", "read"),
    [("msg-7", "msg-7"), (7, "7"), ("", None), (None, None), ([1], None), (True, None),
     (10**30, None), ("x" * 201, None), (1.5, None)],
)  # fmt: skip
def test_a_message_with_an_unreadable_sequence_id_is_a_message_without_one(
    sequence_id: Any, read: str | None
):
    event = received({"type": "message", "text": "Hola", "sequenceId": sequence_id})

    assert isinstance(event, ChatMessage)
    assert event.sequence_id == read


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        ({"type": "typing", "state": "active"}, ChatTyping("active")),
        ({"type": "readReceipt", "sequenceId": "msg-2"}, ChatRead("msg-2")),
        ({"type": "error", "message": "too fast"}, ChatRefused("too fast")),
        ({"type": "presence", "state": "away"}, Ignored("presence")),
        ({"type": "x" * 900}, Ignored("x" * 64)),
    ],
)
def test_other_frames_are_what_they_say(frame: dict[str, Any], event: Any):
    assert received(frame) == event


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01", "", "nonsense", "[]", "{}", '{"type": 7}', '{"type":"message","text":9}',
     '{"type":"typing","state":"maybe"}', '{"type":"readReceipt"}', '{"a":' * 3000],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_and_ends_nothing(data: str | bytes):
    protocol = connected()

    assert isinstance(protocol.frame_received(data), Malformed)
    assert isinstance(received({"type": "message", "text": "Hola"}, by=protocol), ChatMessage)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "text", "from", "sequenceId", "attachments", "history", "guest"]),
        inner | st.sampled_from(["message", "connect", "typing", "readReceipt", "guest"]),
        max_size=6,
    )
), max_leaves=12))  # fmt: skip
def test_no_frame_raises(frame: Any):
    protocol = connected()

    protocol.frame_received(json.dumps(frame))


def test_the_history_of_an_acknowledgement_is_read_as_far_as_it_can_be():
    history = [{"text": "Hola", "sequenceId": "1", "from": {"type": "guest"}}, 7, {"text": 9}]

    event = received({**ACKNOWLEDGED, "history": history})

    assert [(row.text, row.sender) for row in event.history] == [("Hola", "guest")]
    assert received(ACKNOWLEDGED).history is None


@pytest.mark.parametrize("code", [1005, 1006, 1011, 1012, 1013])
def test_an_accident_is_followed_by_a_reconnect(code: int):
    assert isinstance(connected().verdict(Close(code)), Reconnect)


def test_a_failed_connect_and_a_busy_platform_are_tried_again():
    protocol = WebchatProtocol(ANA)

    assert protocol.verdict(Close(None, "OSError")) == Reconnect("failed to connect")
    assert protocol.verdict(Close(None, http_status=429)) == Reconnect(
        "handshake answered with 429", at_least_s=5.0
    )


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1008, 4000])
def test_a_close_on_purpose_is_the_end(code: int):
    assert connected().verdict(Close(code, "bye")) == End(f"closed with {code}: bye")


def test_what_a_guest_says_goes_out_as_the_wire_has_it():
    assert json.loads(message_frame("¡Hola! 😀", [{"id": "a"}])) == {
        "type": "message",
        "text": "¡Hola! 😀",
        "attachments": [{"id": "a"}],
    }
    assert json.loads(context_frame({"uiState": "checkout"})) == {
        "type": "setContext",
        "context": {"uiState": "checkout"},
    }
    assert json.loads(typing_frame("active")) == {"type": "typing", "state": "active"}
    assert json.loads(connected().keep_alive()) == {"type": "keepalive"}
