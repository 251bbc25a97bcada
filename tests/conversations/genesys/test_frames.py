"""Bytes of a frame to a dictionary, or kept as malformed; never an exception."""

from __future__ import annotations

import pytest

from conversations.genesys.events import Malformed
from conversations.genesys.frames import decode_frame


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"type": "x"}', "binary frame"),
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("[1]", "not an object"),
        ('"text"', "not an object"),
        ("7", "not an object"),
        ("null", "not an object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "a number is out of range"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_defect_is_named_and_the_frame_kept(data: str | bytes, reason: str) -> None:
    raw = data.encode() if isinstance(data, str) else data

    assert decode_frame(data) == Malformed(raw[:65536], reason, len(raw))


def test_of_a_large_frame_the_first_64_kib_are_kept() -> None:
    kept = decode_frame("é" * 100_000)

    assert isinstance(kept, Malformed)
    assert (len(kept.raw), kept.size) == (65536, 200_000)


def test_an_object_is_given_as_it_is() -> None:
    assert decode_frame('{"type": "message", "more": [1, 2.5, null]}') == {
        "type": "message",
        "more": [1, 2.5, None],
    }
