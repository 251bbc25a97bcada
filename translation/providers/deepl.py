"""DeepL v2, and whatever speaks its protocol (protocol, Translation API).

Translates one request into HTTP and its answer back; tries, waits and batches are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from conversations import languages
from conversations.net.exceptions import InvalidBody, NetError, NotSent
from conversations.net.retry import Outcome, classify, retry_after_s
from translation.exceptions import (
    CredentialsRefused,
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExceeded,
    TextRefused,
    TooLarge,
    TranslationError,
)
from translation.providers.base import Provider, Translated, checked, clean

if TYPE_CHECKING:
    from conversations.net.http import Answer, HttpClient

PRO_URL = "https://api.deepl.com/v2/translate"
FREE_URL = "https://api-free.deepl.com/v2/translate"

# A source outside this list is left for DeepL to find out: a code that it does not know would
# have the whole request refused.
_SOURCES = frozenset({
    "AR", "BG", "CS", "DA", "DE", "EL", "EN", "ES", "ET", "FI", "FR", "HE", "HU", "ID", "IT", "JA",
    "KO", "LT", "LV", "NB", "NL", "PL", "PT", "RO", "RU", "SK", "SL", "SV", "TH", "TR", "UK", "VI",
    "ZH",
})  # fmt: skip
# The varieties that it tells apart as targets; of another region the plain language is asked.
_VARIETIES = frozenset({"EN-GB", "EN-US", "ES-419", "PT-BR", "PT-PT", "ZH-HANS", "ZH-HANT"})
_PLAIN = {"EN": "EN-US", "PT": "PT-PT", "NO": "NB"}
_ADDRESS_AT_FAULT = frozenset({404, 405, 410})


def default_url(key: str) -> str:
    """A key that ends in `:fx` belongs to the free service, which has a host of its own."""
    return FREE_URL if key.strip().endswith(":fx") else PRO_URL


def target_code(tag: str) -> str:
    """`en-US` → `EN-US`, `zh-TW` → `ZH-HANT`, `de-AT` → `DE`, `en` → `EN-US`."""
    upper = languages.canonical(tag).upper()
    if upper in _VARIETIES:
        return upper
    plain = languages.base(tag).upper()
    if plain == "ZH":
        return f"ZH-{languages.script(tag).upper()}"
    return _PLAIN.get(plain, plain)


def source_code(tag: str | None) -> str | None:
    """The plain language, or None where DeepL is to find it out.

    TRAP: there is no `source_lang=auto` (protocol, Translation API); `auto` is no language tag
    and so is never sent.
    """
    plain = languages.base(tag or "").upper()
    plain = "NB" if plain == "NO" else plain
    return plain if plain in _SOURCES else None


class DeepLProvider(Provider):
    name = "deepl"

    def __init__(
        self,
        http: HttpClient,
        *,
        url: str,
        key: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = http
        self._url = url
        self._key = key.strip()
        self._now = now

    @classmethod
    def configured(cls, http: HttpClient, *, url: str | None, key: str) -> Self:
        return cls(http, url=url or default_url(key), key=key)

    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        context: str | None = None,
    ) -> list[Translated]:
        if not texts:
            return []
        if len(texts) > self.max_texts:
            raise TooLarge
        if not self._key:
            raise CredentialsRefused  # nobody's text leaves for an answer that is known
        body = request_body(texts, target=target, source=source, context=context)
        answer = await self._ask(body)
        if answer.status != 200:
            raise refusal(answer, now=self._now())
        return checked(texts, parse(answer))

    async def _ask(self, body: dict[str, Any]) -> Answer:
        try:
            return await self._http.request(
                "POST",
                self._url,
                headers={"Authorization": f"DeepL-Auth-Key {self._key}"},
                json=body,
            )
        except NetError as error:
            # A translation changes nothing over there: not sent and unknown are alike here.
            reached = not isinstance(error, NotSent)
            raise ProviderUnavailable(type(error).__name__, reached=reached) from error


def request_body(
    texts: Sequence[str], *, target: str, source: str | None, context: str | None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "text": [clean(text) for text in texts],
        "target_lang": target_code(target),
    }
    if code := source_code(source):
        body["source_lang"] = code
    if context:
        body["context"] = clean(context)
    return body


def refusal(answer: Answer, *, now: datetime) -> TranslationError:
    """What an answer other than 200 means (reliability §2.4, column `translate`)."""
    status = answer.status
    if status == 456:
        return QuotaExceeded()
    if status == 413:
        return TooLarge()
    outcome = classify(status)
    if outcome is Outcome.THROTTLED:
        return ProviderThrottled(retry_after_s(answer.headers.get("Retry-After"), now=now))
    if outcome in {Outcome.AUTH, Outcome.FORBIDDEN}:
        return CredentialsRefused()
    # A wrong address or target language is the settings' fault: no text may be given up for it.
    if outcome is Outcome.PERMANENT and status not in _ADDRESS_AT_FAULT:
        if b"target_lang" in answer.body:
            return ProviderUnavailable("it refuses the target language")
        return TextRefused(f"status {status}")
    return ProviderUnavailable(f"status {status}", reached=outcome is Outcome.UNKNOWN)


def parse(answer: Answer) -> list[Translated]:
    """Foreign JSON, validated here once: every field that we use, and its type."""
    try:
        body = answer.json()
    except InvalidBody as error:
        raise InvalidAnswer("no JSON", kept=_kept(answer)) from error
    translations = body.get("translations") if isinstance(body, dict) else None
    if not isinstance(translations, list):
        raise InvalidAnswer("no list of translations", kept=_kept(answer))
    return [_parse_one(item, answer) for item in translations]


def _parse_one(item: object, answer: Answer) -> Translated:
    if not isinstance(item, dict):
        raise InvalidAnswer("a translation is not an object", kept=_kept(answer))
    text, language = item.get("text"), item.get("detected_source_language")
    if not isinstance(text, str) or not isinstance(language, str):
        raise InvalidAnswer("a field is missing or not a string", kept=_kept(answer))
    if languages.canonical(language) == languages.UNDETERMINED:
        raise InvalidAnswer("no source language", kept=_kept(answer), of_text=True)
    return Translated(text=clean(text), language=language)


def _kept(answer: Answer) -> str:
    return clean(answer.body[:8000].decode("utf-8", "replace"))
