"""What a translation provider has to be: one method, `translate`.

What every provider needs around it (batches, tries, breaker, memory) is a collaborator and never
one more method here. An adapter raises `TranslationError`s and nothing else.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from translation.exceptions import InvalidAnswer

if TYPE_CHECKING:
    from conversations.net.http import HttpClient

_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Translated:
    """`language` is the source language, spelled as the provider said it."""

    text: str
    language: str


class Provider(ABC):
    name: ClassVar[str]
    max_texts: ClassVar[int] = 50
    max_bytes: ClassVar[int] = 128 * 1024

    @classmethod
    @abstractmethod
    def configured(cls, http: HttpClient, *, url: str | None, key: str) -> Self:
        """From the settings; an address that is not set is the provider's own."""

    @abstractmethod
    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        context: str | None = None,
    ) -> list[Translated]:
        """One translation per text, in order; none of them empty.

        Tags are canonical ones (languages.py). `source` None: the provider finds it out.
        `context` steers all the texts: the caller gives it only for one conversation's.
        """


def clean(text: str) -> str:
    """What a database and UTF-8 can hold: U+0000 → U+2400, lone surrogates → U+FFFD."""
    return _SURROGATES.sub("\ufffd", text.replace("\x00", "\u2400"))


def checked(texts: Sequence[str], answers: list[Translated]) -> list[Translated]:
    """The rules that hold for the answers of every provider."""
    if len(answers) != len(texts):
        raise InvalidAnswer(f"{len(answers)} translations for {len(texts)} texts")
    for text, answer in zip(texts, answers, strict=True):
        if text.strip() and not answer.text.strip():
            raise InvalidAnswer("an empty translation", of_text=True)
    return answers
