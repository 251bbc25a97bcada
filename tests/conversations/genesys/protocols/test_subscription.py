"""What is subscribed to is checked before it is sent, everything at once, each with its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conversations.genesys.protocols.subscription import (
    InvalidSubscription,
    subscribe_frame,
    violations_of,
)


def a_subscription(**changes: Any) -> dict[str, Any]:
    return {
        "type": "subscribe",
        "interactionId": "call-1",
        "language": "en-US",
        "model": "en-US-default",
        "redaction": {"enabled": True, "type": "pii"},
        "maxConcurrentStreams": 5,
    } | changes


def test_a_good_one_is_sent_as_it_is() -> None:
    assert json.loads(subscribe_frame(a_subscription())) == a_subscription()


def test_the_number_of_streams_may_be_left_out() -> None:
    payload = a_subscription()
    del payload["maxConcurrentStreams"]

    assert violations_of(payload) == []


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"type": "unsubscribe"}, ["type"]),
        ({"interactionId": " "}, ["interactionId"]),
        ({"model": ""}, ["model"]),
        ({"language": "en"}, ["language"]),
        ({"language": "en-us"}, ["language"]),
        ({"language": "xx-en-USx"}, ["language"]),
        ({"redaction": None}, ["redaction"]),
        ({"redaction": {}}, ["redaction.enabled", "redaction.type"]),
        ({"redaction": {"enabled": 1, "type": "all"}}, ["redaction.enabled", "redaction.type"]),
        ({"redaction": {"enabled": True, "type": "pii", "x": 1}}, ["redaction.x"]),
        ({"maxConcurrentStreams": 0}, ["maxConcurrentStreams"]),
        ({"maxConcurrentStreams": 11}, ["maxConcurrentStreams"]),
        ({"maxConcurrentStreams": True}, ["maxConcurrentStreams"]),
        ({"maxConcurrentStreams": 2.5}, ["maxConcurrentStreams"]),
        ({"other": 1}, ["other"]),
    ],
)
def test_each_violation_is_found_with_its_path(changes, paths) -> None:
    assert [one.path for one in violations_of(a_subscription(**changes))] == paths


def test_all_violations_are_said_at_once_and_nothing_is_sent() -> None:
    with pytest.raises(InvalidSubscription) as refusal:
        subscribe_frame({})

    paths = [one.path for one in refusal.value.violations]
    assert paths == ["type", "interactionId", "language", "model", "redaction"]
    assert "language: must look like en-US" in str(refusal.value)
