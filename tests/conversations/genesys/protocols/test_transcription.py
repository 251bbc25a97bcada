"""The transcription socket's rules: what frames mean, and what a close means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.genesys.events import (
    CodecLeftOut,
    Ignored,
    Malformed,
    Refused,
    Subscribed,
    TranscriptionReceived,
)
from conversations.genesys.protocols.transcription import TranscriptionProtocol
from conversations.genesys.protocols.verdicts import Close, End, GiveUp, Reconnect, RenewToken
from tests.conversations.genesys.protocols.test_subscription import a_subscription


@pytest.fixture
def protocol() -> TranscriptionProtocol:
    return TranscriptionProtocol(a_subscription())


def a_chunk(**changes: Any) -> str:
    return json.dumps(
        {
            "type": "transcription",
            "interactionId": "call-1",
            "mediaTimestamp": "2024-06-15T10:30:00.000Z",
            "text": "good morning",
            "confidence": 0.93,
            "final": True,
            "mediaType": "audio/ulaw",
        }
        | changes
    )


def test_a_chunk_is_read(protocol) -> None:
    assert protocol.frame_received(a_chunk()) == TranscriptionReceived(
        interaction_id="call-1",
        media_at=datetime(2024, 6, 15, 10, 30, tzinfo=UTC),
        text="good morning",
        confidence=0.93,
        is_final=True,
        media_type="audio/ulaw",
    )


@pytest.mark.parametrize("accepted", ["audio/l16;rate=8000", "audio/l16; rate=16000", None])
def test_accepted_media_types_are_read(protocol, accepted) -> None:
    assert isinstance(protocol.frame_received(a_chunk(mediaType=accepted)), TranscriptionReceived)


def test_another_codec_is_left_out_and_named(protocol) -> None:
    assert protocol.frame_received(a_chunk(mediaType="audio/opus")) == CodecLeftOut("audio/opus")


@pytest.mark.parametrize(
    "changes",
    [
        {"interactionId": "another"},
        {"text": None},
        {"final": "true"},
        {"confidence": 1.5},
        {"confidence": True},
        {"mediaTimestamp": "yesterday"},
        {"mediaType": 7},
        {"type": 7},
    ],
)
def test_a_chunk_that_cannot_be_meant_is_malformed(protocol, changes) -> None:
    assert isinstance(protocol.frame_received(a_chunk(**changes)), Malformed)


def test_what_is_not_known_is_ignored(protocol) -> None:
    assert protocol.frame_received('{"type":"news"}') == Ignored("news")


def test_it_is_accepted_by_subscribed_and_begins_each_connection_afresh(protocol) -> None:
    protocol.first_frames()
    assert not protocol.is_accepted

    assert protocol.frame_received('{"type":"subscribed"}') == Subscribed()
    assert protocol.is_accepted

    protocol.first_frames()
    assert not protocol.is_accepted


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("400 schema: language", "the schema"),
        ("403 missing scope", "scope"),
        ("429 too many concurrent streams", "the concurrency limit"),
    ],
)
def test_a_refusal_is_for_good_and_says_the_likely_cause(protocol, said, cause) -> None:
    event = protocol.frame_received(json.dumps({"type": "error", "message": said}))

    verdict = protocol.verdict(protocol.ended)
    assert event == Refused(said)
    assert isinstance(verdict, GiveUp)
    assert cause in verdict.reason
    assert said not in verdict.reason


def test_an_error_of_unknown_cause_is_tried_again(protocol) -> None:
    protocol.frame_received('{"type":"error","message":"oops"}')

    assert isinstance(protocol.verdict(protocol.ended), Reconnect)


@pytest.mark.parametrize(
    ("close", "verdict"),
    [
        (Close(1006), Reconnect),
        (Close(1011), Reconnect),
        (Close(1012), Reconnect),
        (Close(None), Reconnect),
        (Close(1000), End),
        (Close(1001), End),
        (Close(1008), RenewToken),
        (Close(None, http_status=401), RenewToken),
        (Close(None, http_status=400), GiveUp),
        (Close(None, http_status=403), GiveUp),
        (Close(None, http_status=429), Reconnect),
        (Close(None, http_status=503), Reconnect),
    ],
)
def test_each_close_has_its_verdict(protocol, close, verdict) -> None:
    assert isinstance(protocol.verdict(close), verdict)
