"""One event of the wire: what is needed is checked, what is decoration is tolerated."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.events import (
    ContextChanged,
    Ignored,
    MessageRead,
    MessageReceived,
    Participant,
    TypingChanged,
)
from conversations.genesys.protocols.messages import InvalidEvent, event_of, moment

GUEST = {"id": "guest-abc", "type": "guest", "name": "Anonymous"}


def message(**changes: Any) -> dict[str, Any]:
    frame = {
        "type": "message",
        "conversationId": "conv-12345",
        "id": "m-1",
        "from": GUEST,
        "to": {"id": "agent-xyz", "type": "agent"},
        "text": "Hola",
        "timestamp": "2024-06-15T10:30:00.000Z",
    }
    return {key: value for key, value in (frame | changes).items() if value is not ...}


def test_a_message_is_read_whole_and_keeps_its_raw_form() -> None:
    frame = message()

    event = event_of(frame)

    assert event == MessageReceived(
        "conv-12345",
        "m-1",
        Participant("guest-abc", "guest", "Anonymous"),
        Participant("agent-xyz", "agent"),
        "Hola",
        datetime(2024, 6, 15, 10, 30, tzinfo=UTC),
        frame,
    )


@pytest.mark.parametrize("text", [..., None, "", "x" * 10_000, "  "])
def test_a_text_may_be_absent_empty_or_long(text: Any) -> None:
    event = event_of(message(text=text))

    assert isinstance(event, MessageReceived)
    assert event.text == ("" if text in (..., None) else text)


@pytest.mark.parametrize("identifier", [..., None, ""])
def test_a_message_id_may_be_absent(identifier: Any) -> None:
    event = event_of(message(id=identifier))

    assert isinstance(event, MessageReceived)
    assert event.external_id is None


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        (..., None),
        (None, None),
        ("agent", None),
        ({"type": "queue"}, None),
        ({"type": "agent"}, Participant("", "agent")),
        ({"type": "guest", "id": 5, "name": 5}, Participant("", "guest")),
    ],
)
def test_a_recipient_is_decoration(to: Any, recipient: Participant | None) -> None:
    event = event_of(message(to=to))

    assert isinstance(event, MessageReceived)
    assert event.recipient == recipient


@pytest.mark.parametrize(
    "changes",
    [{"conversationId": value} for value in (..., None, "", 5, [], "x" * 201)]
    + [{"from": value} for value in (..., None, "guest", [], {"id": "a"}, {"type": "guest"})]
    + [{"from": {"id": "a", "type": value}} for value in ("bot", "GUEST", None, ["guest"], {})]
    + [{"from": {"id": value, "type": "guest"}} for value in (None, 7, "", "x" * 201)]
    + [{"text": value} for value in (5, [], {}, True)]
    + [{"id": value} for value in (5, [], {}, True, "x" * 201)]
    + [{"timestamp": value} for value in (..., None, 1718447400000, "", "yesterday", [])]
    + [{"type": value} for value in (..., None, 5, [], {})],
    ids=repr,
)
def test_what_is_needed_and_wrong_is_an_invalid_event(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        event_of(message(**changes))


def test_an_id_may_be_as_long_as_a_row_holds_and_a_longer_name_is_cut() -> None:
    long = "x" * 200

    event = event_of(
        message(
            conversationId=long,
            id=long,
            **{"from": {"id": long, "type": "guest", "name": long + "y"}},
        )
    )

    assert isinstance(event, MessageReceived)
    assert (
        event.conversation_id == event.external_id == event.sender.id == event.sender.name == long
    )


def test_typing_and_read_receipts_are_events() -> None:
    typing = event_of({"type": "typing", "conversationId": "c", "from": GUEST, "state": "active"})
    read = event_of(
        {
            "type": "readReceipt",
            "conversationId": "c",
            "from": GUEST,
            "messageId": "m",
            "timestamp": "2024-06-15T10:30:00Z",
        }
    )

    assert isinstance(typing, TypingChanged)
    assert isinstance(read, MessageRead)
    with pytest.raises(InvalidEvent):
        event_of({"type": "typing", "conversationId": "c", "from": GUEST, "state": "maybe"})


def test_an_unknown_type_is_ignored_by_its_name() -> None:
    assert event_of({"type": "presence" * 100}) == Ignored(("presence" * 100)[:64])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-06-15T10:30:00Z", (10, 30, 0)),
        ("2024-06-15T12:30:00+02:00", (10, 30, 0)),
        ("2024-06-15T10:30:00", (10, 30, 0)),
        ("2024-06-15T10:30:00.123456789Z", (10, 30, 123456)),
    ],
)
def test_a_moment_is_aware_utc_with_microseconds(text: str, expected: tuple[int, ...]) -> None:
    at = moment(text)

    assert (at.hour, at.minute, at.microsecond) == expected
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["2024-06-15", "2024-13-15T10:30:00Z", "0001-01-01T00:00:00+14:00", "T", "10:30T"]
)
def test_what_is_no_moment_is_invalid(text: str) -> None:
    with pytest.raises(InvalidEvent):
        moment(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(message())), JSON)
def test_any_value_in_any_field_is_an_event_or_invalid(key: str, value: Any) -> None:
    with contextlib.suppress(InvalidEvent):
        event_of(message(**{key: value}))


def test_a_pages_context_is_the_language_that_it_prefers() -> None:
    frame = {"type": "context", "conversationId": "c", "context": {"preferredLanguage": "es"}}

    assert event_of(frame) == ContextChanged("c", "es")


@pytest.mark.parametrize(
    "context", [None, {}, {"preferredLanguage": 7}, {"preferredLanguage": "x" * 36}]
)
def test_a_context_without_a_language_is_of_no_use(context: object) -> None:
    assert event_of({"type": "context", "conversationId": "c", "context": context}) == Ignored(
        "context"
    )
