"""JSON of others: refused or made storable, never an exception of another kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.net.strict_json import MAX_DEPTH, InvalidJson, load_json


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "<html></html>",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 900 + "1" + "}" * 900,
        '{"a": "\x00"}',
        b"\xff\xfe{}",
        b'{"a": "\xed\xa0\x80"}',
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_no_database_could_hold_is_refused(data: str | bytes) -> None:
    with pytest.raises(InvalidJson):
        load_json(data)


def test_a_byte_order_mark_is_no_defect() -> None:
    assert load_json('\ufeff{"a": 1}') == {"a": 1}
    assert load_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_nul_and_lone_surrogates_become_storable_also_in_keys() -> None:
    value = load_json(r'{"a\u0000": ["x\ud800y", "\ude00"], "ok": "\ud83d\ude00"}')

    assert value == {"a\u2400": ["x\ufffdy", "\ufffd"], "ok": "\U0001f600"}


def test_a_surrogate_that_was_not_escaped_is_replaced_as_well() -> None:
    assert load_json('{"a": "\ud800"}') == {"a": "\ufffd"}


def test_nesting_is_allowed_to_the_limit_and_not_beyond() -> None:
    assert load_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(InvalidJson):
        load_json("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    assert load_json("[" + ",".join(["[]"] * 1000) + "]") == [[]] * 1000


@given(st.text())
def test_any_text_decodes_or_is_refused(text: str) -> None:
    try:
        value = load_json(text)
    except InvalidJson:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
