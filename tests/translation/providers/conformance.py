"""What every translation provider has to pass. A test class of a provider mixes this in and says
how its service spells an answer (`make`, `good_body`); CONTRIBUTING names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import pytest

from conversations.net.http import HttpClient
from tests.translation.providers.scripted import Reply, ScriptedServer
from translation.exceptions import (
    CredentialsRefused,
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    TooLarge,
    TranslationError,
)
from translation.providers.base import Provider

GUEST_WORDS = "mi tarjeta secreta"
KEY = "key-0123456789-secret"


class ProviderConformance(ABC):
    @abstractmethod
    def make(self, http: HttpClient, url: str, key: str) -> Provider: ...

    @abstractmethod
    def good_body(self, texts: list[str], language: str) -> bytes:
        """What the service answers when it gives these texts back, in that language."""

    @pytest.fixture
    async def server(self) -> AsyncIterator[ScriptedServer]:
        async with ScriptedServer() as server:
            yield server

    @pytest.fixture
    async def http(self) -> AsyncIterator[HttpClient]:
        client = HttpClient(connect_timeout_s=1.0, total_timeout_s=20)
        yield client
        await client.aclose()

    @pytest.fixture
    def provider(self, server: ScriptedServer, http: HttpClient) -> Provider:
        return self.make(http, server.url, KEY)

    async def refused(self, provider: Provider, server: ScriptedServer, reply: Reply) -> Exception:
        server.replies = [reply]
        with pytest.raises(TranslationError) as raised:
            await provider.translate([GUEST_WORDS, "dos"], target="en-US")
        error = raised.value
        assert GUEST_WORDS not in f"{error} {error!r}"
        assert KEY not in f"{error} {error!r}"
        return error

    async def test_translations_come_in_the_order_of_the_texts(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        server.replies = [Reply(body=self.good_body(["one", "two 👍🏽"], "ES"))]

        answers = await provider.translate(["uno", "dos 👍🏽"], target="en-US")

        assert [answer.text for answer in answers] == ["one", "two 👍🏽"]
        assert {answer.language.lower() for answer in answers} == {"es"}

    async def test_nothing_to_translate_asks_nothing(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        assert await provider.translate([], target="en-US") == []
        assert server.seen == []

    async def test_more_texts_than_a_request_holds_are_not_sent(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        with pytest.raises(TooLarge):
            await provider.translate(["a"] * (provider.max_texts + 1), target="en-US")
        assert server.seen == []

    async def test_without_a_key_no_text_leaves(
        self, server: ScriptedServer, http: HttpClient
    ) -> None:
        with pytest.raises(CredentialsRefused):
            await self.make(http, server.url, " \n").translate(["a"], target="en-US")
        assert server.seen == []

    async def test_what_utf8_cannot_hold_is_replaced_on_the_way_out_and_back(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        body = self.good_body(["x\x00\ud800y"], "ES")
        server.replies = [Reply(body=body)]

        (answer,) = await provider.translate(["a\ud800\x00b"], target="en-US")

        assert answer.text == "x\u2400\ufffdy"
        assert b"\\ud800" not in server.seen[0].body.lower()

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 408, 425, 301, 307, 404, 405])
    async def test_an_ailing_service_or_address_is_unavailable(
        self, provider: Provider, server: ScriptedServer, status: int
    ) -> None:
        reply = Reply(status, b"<html>oops</html>", {"Location": server.url})

        error = await self.refused(provider, server, reply)

        assert isinstance(error, ProviderUnavailable)
        assert len(server.seen) == 1

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("7", 7.0),
            ("0", 1.0),
            ("1000000000", 60.0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
            ("Wed, 21 Oct 2099 07:28:00 GMT", 60.0),
            ("soon", None),
            ("-5", None),
            (None, None),
        ],
    )
    async def test_a_throttled_request_says_how_long_to_wait(
        self,
        provider: Provider,
        server: ScriptedServer,
        value: str | None,
        expected: float | None,
    ) -> None:
        headers = {} if value is None else {"Retry-After": value}

        error = await self.refused(provider, server, Reply(429, headers=headers))

        assert isinstance(error, ProviderThrottled)
        assert error.retry_after_s == expected

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_key_is_the_operators_business(
        self, provider: Provider, server: ScriptedServer, status: int
    ) -> None:
        error = await self.refused(provider, server, Reply(status, b'{"message": "no"}'))

        assert isinstance(error, CredentialsRefused)

    async def test_a_request_that_is_too_large_says_so(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        assert isinstance(await self.refused(provider, server, Reply(413)), TooLarge)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>200 and yet no</html>",
            b"null",
            b"[]",
            b"{}",
            b"7",
            b'"a"',
            b"\xff\xfe",
            b"[" * 100000,
            b'{"translations": NaN}',
            b"9" * 10000,
        ],
    )
    async def test_another_document_is_an_invalid_answer(
        self, provider: Provider, server: ScriptedServer, body: bytes
    ) -> None:
        error = await self.refused(provider, server, Reply(body=body))

        assert isinstance(error, InvalidAnswer)
        assert not error.of_text
        assert len(error.kept) <= 2000

    async def test_half_an_answer_is_none(self, provider: Provider, server: ScriptedServer) -> None:
        body = self.good_body(["one", "two"], "ES")

        cut = await self.refused(provider, server, Reply(body=body[:-9]))
        broken_off = await self.refused(provider, server, Reply(body=body[:-9], cut=True))

        assert isinstance(cut, InvalidAnswer)
        assert isinstance(broken_off, ProviderUnavailable)

    @pytest.mark.parametrize("answers", [[], ["one"], ["one", "two", "three"]])
    async def test_another_number_of_translations_is_an_invalid_answer(
        self, provider: Provider, server: ScriptedServer, answers: list[str]
    ) -> None:
        reply = Reply(body=self.good_body(answers, "ES"))

        assert isinstance(await self.refused(provider, server, reply), InvalidAnswer)

    @pytest.mark.parametrize("empty", ["", " ", "\n\u00a0"])
    async def test_an_empty_translation_of_a_text_is_an_invalid_answer(
        self, provider: Provider, server: ScriptedServer, empty: str
    ) -> None:
        reply = Reply(body=self.good_body(["one", empty], "ES"))

        error = await self.refused(provider, server, reply)

        assert isinstance(error, InvalidAnswer)
        assert error.of_text

    async def test_a_body_without_end_is_cut_off(
        self, provider: Provider, server: ScriptedServer
    ) -> None:
        reply = Reply(body=b'{"translations": [', zeros=1 << 30)

        error = await self.refused(provider, server, reply)

        assert isinstance(error, ProviderUnavailable | InvalidAnswer)
        assert server.sent_bytes < 1 << 25

    async def test_an_answer_that_drips_ends_at_the_total_limit(
        self, server: ScriptedServer
    ) -> None:
        reply = Reply(body=self.good_body(["one", "two"], "ES"), drip_s=0.05)
        http = HttpClient(connect_timeout_s=1.0, total_timeout_s=1.5)
        provider = self.make(http, server.url, KEY)

        assert isinstance(await self.refused(provider, server, reply), ProviderUnavailable)
        await http.aclose()

    async def test_nobody_listening_is_unavailable(self, http: HttpClient) -> None:
        provider = self.make(http, "http://127.0.0.1:1/v2/translate", KEY)

        with pytest.raises(ProviderUnavailable):
            await provider.translate(["a"], target="en-US")
