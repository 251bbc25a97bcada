"""What a front end may say, read strictly: every refusal names its field."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.guest_page import actions
from conversations.guest_page.actions import ActionRefused, parse


def read(**body: Any) -> Any:
    return parse(json.dumps(body))


def test_the_actions_of_the_wire_are_read():
    assert read(action="send", text="Hola", ref="r1") == actions.SendText("Hola", "r1")
    assert read(action="context", data={"a": 1}) == actions.SetContext({"a": 1})
    buffer = base64.b64encode(b"bytes").decode()
    upload = read(action="upload", filename="a.png", contentType="image/png", buffer=buffer,
                  caption="see")  # fmt: skip
    assert (upload.filename, upload.content, upload.caption) == ("a.png", b"bytes", "see")
    larger = read(action="upload", uploadId="signed")
    assert (larger.upload_id, larger.content) == ("signed", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "erase"}, "action"),
        ({"action": ["send"]}, "action"),
        ({"action": "send"}, "text"),
        ({"action": "send", "text": 7}, "text"),
        ({"action": "connect", "name": "Ana"}, "email"),
        ({"action": "connect", "name": "A", "email": "e", "metadata": []}, "metadata"),
        ({"action": "connect", "name": "A", "email": "e", "metadata": {"a": "x" * 9000}},
         "metadata"),
        ({"action": "upload", "filename": "a.png"}, "file"),
        ({"action": "upload", "filename": "a.png", "buffer": "", "uploadId": ""}, "file"),
        ({"action": "upload", "filename": "a.png", "buffer": "not base64!"}, "file"),
        ({"action": "upload", "filename": "a.png", "buffer": 7}, "file"),
        ({"action": "upload", "filename": "a.png", "buffer": "A" * 60_000}, "file"),
        ({"action": "typing", "state": "maybe"}, "state"),
        ({"action": "typing", "state": "active", "side": "both"}, "side"),
        ({"action": "fault", "name": "fire", "on": True}, "fault"),
        ({"action": "fault", "name": "drop", "on": "yes"}, "fault"),
        ({"action": "play", "script": "hotel-es", "speed": 0}, "speed"),
        ({"action": "play", "script": "hotel-es", "speed": True}, "speed"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_its_field(body: dict[str, Any], field: str):
    with pytest.raises(ActionRefused) as refused:
        read(**body)

    assert refused.value.field == field
    assert str(refused.value)


@pytest.mark.parametrize("data", ["", "nonsense", "[]", "7", "null", "[" * 30_000, "x" * 70_000])
def test_what_is_no_object_is_refused_in_words(data: str):
    with pytest.raises(ActionRefused):
        parse(data)


def test_a_refusal_carries_the_ref_of_what_it_is_about():
    with pytest.raises(ActionRefused) as refused:
        read(action="upload", filename="a.png", buffer="!", ref="r7")

    assert (refused.value.action, refused.value.ref) == ("upload", "r7")


def test_half_a_surrogate_pair_is_made_sendable():
    assert read(action="send", text="a\ud800b").text == "a?b"


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["action", "text", "data", "buffer", "name", "state", "speed", "ref"]),
        inner | st.sampled_from(["send", "upload", "connect", "play", "fault", "typing"]),
        max_size=5,
    ), max_leaves=10,
))  # fmt: skip
def test_nothing_but_a_refusal_comes_of_anything(body: Any):
    with contextlib.suppress(ActionRefused):
        parse(json.dumps(body))
