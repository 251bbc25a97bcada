"""No secret in a log line, wherever in the line it stands."""

from __future__ import annotations

import io
import logging

import pytest

from conversations.net.masking import MaskingFilter, mask, mask_url, register_secret


@pytest.mark.parametrize(
    "text",
    [
        "GET /socket?access_token=CANARY&x=1",
        "Authorization: Bearer CANARY",
        "authorization: DeepL-Auth-Key CANARY",
        "Authorization: Basic CANARY==",
        '{"access_token": "CANARY", "expires_in": 3}',
        "client_secret=CANARY",
    ],
)
def test_secrets_are_masked_by_the_place_they_travel_in(text: str) -> None:
    assert "CANARY" not in mask(text)
    assert "***" in mask(text)


def test_a_registered_secret_is_masked_anywhere() -> None:
    register_secret("hush-hush-1")

    assert mask("(hush-hush-1)") == "(***)"


def test_what_is_too_short_to_be_a_secret_blots_out_nothing() -> None:
    register_secret("the")

    assert mask("the message") == "the message"


def test_a_url_hides_its_token_and_keeps_its_host() -> None:
    masked = mask_url("wss://api.example.org/socket?access_token=CANARY&api_key=CANARY&n=2")

    assert masked == "wss://api.example.org/socket?access_token=***&api_key=***&n=2"


def test_the_filter_masks_arguments_and_tracebacks() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(MaskingFilter())
    logger = logging.getLogger("test-of-masking")
    logger.addHandler(handler)

    try:
        raise ValueError("Bearer CANARY")
    except ValueError:
        logger.exception("asked with %s", "access_token=CANARY")

    assert "ValueError" in out.getvalue()
    assert "CANARY" not in out.getvalue()
