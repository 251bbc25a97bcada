"""TRAP: there is no `source_lang=auto`; it is left out (protocol, Translation API)."""

from __future__ import annotations

import pytest

from translation.grouping import terms
from translation.providers.deepl import request_body


@pytest.mark.parametrize("source", [None, "", "auto", "AUTO", "und", "detect", "xx", "tlh"])
def test_an_unknown_source_is_left_out_of_the_request(source: str | None) -> None:
    body = request_body(["Hola"], target="en-US", source=source, context=None)

    assert body == {"text": ["Hola"], "target_lang": "EN-US"}


def test_auto_is_no_source_for_the_batch_either() -> None:
    wish = terms(target="en-US", source="auto", conversation=None, context=None)

    assert wish.source is None


def test_a_known_source_is_sent_as_the_plain_language() -> None:
    body = request_body(["Olá"], target="en-US", source="pt_BR", context=None)

    assert body["source_lang"] == "PT"
