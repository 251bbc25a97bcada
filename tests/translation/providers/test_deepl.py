"""DeepL's spelling of requests and answers; the common rules are in conformance.py."""

from __future__ import annotations

import json

import pytest

from conversations.net.http import HttpClient
from tests.translation.providers.conformance import KEY, ProviderConformance
from tests.translation.providers.scripted import Reply, ScriptedServer
from translation.exceptions import (
    InvalidAnswer,
    ProviderUnavailable,
    QuotaExceeded,
    TextRefused,
)
from translation.providers.base import Provider
from translation.providers.deepl import (
    FREE_URL,
    PRO_URL,
    DeepLProvider,
    default_url,
    request_body,
    target_code,
)


class TestDeepL(ProviderConformance):
    def make(self, http: HttpClient, url: str, key: str) -> Provider:
        return DeepLProvider.configured(http, url=url, key=key)

    def good_body(self, texts: list[str], language: str) -> bytes:
        items = [{"detected_source_language": language, "text": text} for text in texts]
        return json.dumps({"translations": items, "billed_characters": 9}).encode()

    async def test_the_request_is_the_documented_one(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        server.replies = [Reply(body=self.good_body(["one"], "ES"))]

        await provider.translate(["uno"], target="pt-BR", source="es", context="una tienda")

        seen = server.seen[0]
        assert seen.headers["Authorization"] == f"DeepL-Auth-Key {KEY}"
        assert seen.headers["Content-Type"] == "application/json"
        assert seen.json() == {
            "text": ["uno"],
            "target_lang": "PT-BR",
            "source_lang": "ES",
            "context": "una tienda",
        }

    async def test_a_used_up_quota_is_456(self, provider: Provider, server: ScriptedServer) -> None:
        assert isinstance(await self.refused(provider, server, Reply(456)), QuotaExceeded)

    @pytest.mark.parametrize("status", [400, 415, 422])
    async def test_a_refused_text_is_permanent(
        self, provider: Provider, server: ScriptedServer, status: int
    ) -> None:
        error = await self.refused(provider, server, Reply(status, b'{"message": "Bad text"}'))

        assert isinstance(error, TextRefused)
        assert not error.retryable

    async def test_a_refused_target_language_is_not_held_against_the_texts(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        body = b'{"message": "Value for \'target_lang\' not supported."}'

        error = await self.refused(provider, server, Reply(400, body))

        assert isinstance(error, ProviderUnavailable)

    @pytest.mark.parametrize(
        "item",
        [
            {"text": "one"},
            {"detected_source_language": "ES"},
            {"detected_source_language": None, "text": "one"},
            {"detected_source_language": "ES", "text": 7},
            {"detected_source_language": "ES", "text": ["one"]},
            {"detected_source_language": "", "text": "one"},
            {"detected_source_language": "auto", "text": "one"},
            "one",
            None,
        ],
    )
    async def test_a_missing_field_or_another_type_is_an_invalid_answer(
        self, provider: Provider, server: ScriptedServer, item: object
    ) -> None:
        body = json.dumps({"translations": [item, item]}).encode()

        assert isinstance(await self.refused(provider, server, Reply(body=body)), InvalidAnswer)


def test_a_free_key_selects_the_free_host() -> None:
    assert default_url("0123:fx") == FREE_URL
    assert default_url("0123:fx\n") == FREE_URL
    assert default_url("0123") == PRO_URL
    assert default_url("") == PRO_URL


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-US", "EN-US"),
        ("EN-gb", "EN-GB"),
        ("en", "EN-US"),
        ("en-AU", "EN-US"),
        ("pt_br", "PT-BR"),
        ("pt", "PT-PT"),
        ("de-AT", "DE"),
        ("es-419", "ES-419"),
        ("es-MX", "ES"),
        ("zh-hans", "ZH-HANS"),
        ("zh-TW", "ZH-HANT"),
        ("zh", "ZH-HANS"),
        ("no", "NB"),
    ],
)
def test_a_target_is_one_that_the_provider_knows(tag: str, expected: str) -> None:
    assert target_code(tag) == expected


def test_a_context_that_is_empty_is_left_out() -> None:
    assert "context" not in request_body(["a"], target="en-US", source=None, context="")
