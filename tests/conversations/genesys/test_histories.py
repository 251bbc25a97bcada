"""Reading calls: one bad entry never hides the good ones."""

from __future__ import annotations

import json

import pytest

from conversations.genesys.exceptions import InvalidAnswer
from conversations.genesys.histories import active_of, messages_of
from conversations.net.http import Answer


def answer(body: object) -> Answer:
    return Answer(200, {}, json.dumps(body).encode())


def test_an_entry_without_a_type_is_a_message() -> None:
    entry = {
        "conversationId": "c",
        "from": {"id": "g", "type": "guest"},
        "timestamp": "2024-06-15T10:30:00Z",
    }

    assert len(messages_of(answer({"messages": [entry]}))) == 1


def test_bad_entries_are_left_out_or_kept_as_malformed() -> None:
    assert active_of(answer({"conversations": [{"conversationId": ""}, None]})) == []
    assert len(messages_of(answer({"messages": [None, 7, {}]}))) == 3


def test_an_answer_without_the_list_is_invalid() -> None:
    with pytest.raises(InvalidAnswer):
        active_of(answer({"entities": []}))
