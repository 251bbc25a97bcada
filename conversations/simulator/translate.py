"""The translation service: POST /v2/translate in DeepL's shape (protocol, Translation API)."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.apertium import Apertium
from conversations.simulator.dispositions import answer, carry_out
from conversations.simulator.glossary import word_for_word
from conversations.simulator.phrases import base

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.world import World

MAX_TEXTS = 50
MAX_BYTES = 128 * 1024
CODES = (
    "AR BG CS DA DE EL EN ES ET FI FR HE HU ID IT JA KO LT LV NB NL PL PT RO RU SK SL SV TH TR UK "
    "VI ZH"
)
SOURCES = frozenset(CODES.split())
TARGETS = SOURCES | {"EN-US", "EN-GB", "PT-BR", "PT-PT", "ZH-HANS", "ZH-HANT", "ES-419"}
KEY = re.compile(r"DeepL-Auth-Key (\S+)")


class TranslateEndpoint:
    def __init__(self, world: World) -> None:
        self._world = world
        self._apertium = Apertium(enabled=world.config.apertium)
        self._characters = 0

    async def handle(self, request: web.Request) -> web.Response:
        world = self._world
        raw = await request.read()
        asked = await _asked(request, raw)
        texts = asked["text"]
        entry = world.ledger.add("translate", texts=texts, target=asked["target_lang"], results=[])
        world.ledger.counts["texts"] += len(texts)
        refused = self._refused(request, asked, size=len(raw))
        if refused is not None:
            entry["status"] = refused.status
            return refused

        async def apply() -> web.Response:
            if world.config.provider_ms:
                await asyncio.sleep(world.config.provider_ms / 1000)
            results = [await self._one(text, asked) for text in texts]
            entry["results"] = results
            self._characters += sum(map(len, texts))
            return answer({"translations": _spoilt(results, texts, rule)})

        rule = world.faults.pick("translate", text="\n".join(texts))
        acted = None if rule is None or rule.kind in SPOILING else rule
        if rule is not None:
            entry["fault"] = rule.kind
        return await carry_out(request, world=world, rule=acted, entry=entry, apply=apply)

    def _refused(
        self, request: web.Request, asked: dict[str, Any], *, size: int
    ) -> web.Response | None:
        match = KEY.fullmatch(request.headers.get("Authorization", ""))
        wanted = self._world.config.translation_key
        if match is None or (wanted is not None and match[1] != wanted):
            return web.Response(status=403, text="Forbidden")
        if size > MAX_BYTES:
            return _bad("Request Entity Too Large", status=413)
        texts, target, source = asked["text"], asked["target_lang"], asked["source_lang"]
        if not texts or not all(isinstance(text, str) for text in texts):
            return _bad("Bad request. Reason: Parameter 'text' not specified.")
        if len(texts) > MAX_TEXTS:
            return _bad("Bad request. Reason: Too many texts.")
        if str(target).upper() not in TARGETS:
            return _bad("Value for 'target_lang' not supported.")
        if source is not None and str(source).upper() not in SOURCES:  # TRAP: no "auto"
            return _bad("Value for 'source_lang' not supported.")
        quota = self._world.config.quota_characters
        if quota is not None and self._characters + sum(map(len, texts)) > quota:
            return _bad("Quota Exceeded", status=456)
        return None

    async def _one(self, text: str, asked: dict[str, Any]) -> dict[str, str]:
        known = self._world.phrases.lookup(text)
        source = asked["source_lang"] or (known[0] if known else None)
        source = str(source or self._world.phrases.detect(text)).upper()
        translated = await self._translated(text, source=source, target=str(asked["target_lang"]))
        detected = source.split("-")[0]  # DeepL names source languages without region
        return {"detected_source_language": detected, "text": translated}

    async def _translated(self, text: str, *, source: str, target: str) -> str:
        here, there = base(source), base(target)
        if here == there or not text.strip():
            return text
        known = self._world.phrases.lookup(text)
        if known is not None and there == "en":
            return known[1]
        foreign = self._world.phrases.foreign(text, language=there)
        if foreign is not None:
            return foreign
        rough = await self._apertium.translate(text, source=here, target=there)
        if rough is None and there == "en":
            rough = word_for_word(text, language=here)
        return rough if rough is not None else f"[stand-in {here}→{there}] {text}"


SPOILING = frozenset({"too_few", "source_returned", "empty_texts"})


def _spoilt(
    results: list[dict[str, str]], texts: list[str], rule: Rule | None
) -> list[dict[str, str]]:
    if rule is None or rule.kind not in SPOILING:
        return results
    if rule.kind == "too_few":
        return results[:-1]
    replaced = [""] * len(texts) if rule.kind == "empty_texts" else texts
    return [{**one, "text": text} for one, text in zip(results, replaced, strict=True)]


async def _asked(request: web.Request, raw: bytes) -> dict[str, Any]:
    if request.content_type == "application/json":
        try:
            data = json.loads(raw)
        except ValueError:
            data = {}
        data = data if isinstance(data, dict) else {}
        texts = data.get("text", [])
        texts = [texts] if isinstance(texts, str) else texts
        texts = texts if isinstance(texts, list) else []
        return {"text": texts, "target_lang": data.get("target_lang"),
                "source_lang": data.get("source_lang")}  # fmt: skip
    form = await request.post()
    return {
        "text": [str(text) for text in form.getall("text", [])],
        "target_lang": form.get("target_lang"),
        "source_lang": form.get("source_lang"),
    }


def _bad(message: str, *, status: int = 400) -> web.Response:
    return answer({"message": message}, status=status)
