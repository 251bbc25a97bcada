"""Which language a guest is written to in: decided for each conversation, from evidence. Pure.

A short text says little: of ordinary openers of a chat, detectors get every second wrong. So a
language changes only for a text with enough in it, twice in a row; "ok", a number or an emoji
changes nothing; and what a person has chosen stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from conversations.languages import UNDETERMINED, canonical, is_same_language

AGREEING = 2  # texts in a row that speak another language before it is believed
ENOUGH_LETTERS, ENOUGH_WORDS = 12, 2
ENOUGH_SIGNS = 4  # of a script without spaces, in which a sign is more than a letter
_HINT_LETTERS, _HINT_SIGNS = 3, 2

_READ = 5_000  # characters of a text: more of it tell no more
# Addresses, names of files and codes are in no language.
_NO_LANGUAGE = re.compile(r"://|@|\d|_|\.\w")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SIGNS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
# Said in every language.
_EVERYWHERE = frozenset({
    "ok", "okay", "oki", "okey", "okk", "kk", "hi", "hello", "hey", "hallo", "bye", "ciao",
    "thanks", "thx", "thank", "you", "no", "yes", "si", "sí", "please", "sorry", "wow", "lol",
    "haha", "jaja", "hmm", "email", "mail", "chat", "app", "pdf", "wifi", "online",
})  # fmt: skip


class Basis(StrEnum):
    """Why it is taken to be that language."""

    NONE = ""
    HINT = "hint"  # one short text
    MESSAGES = "messages"
    CONTEXT = "context"  # the guest's page says which one it prefers
    PERSON = "person"


class Weight(StrEnum):
    """What a text is worth as evidence."""

    NOTHING = "nothing"
    HINT = "hint"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True)
class Known:
    """`count`: texts that spoke it; `rival`: what the last ones spoke instead, or, where a person
    has chosen, what would be taken without them."""

    language: str = ""
    basis: str = Basis.NONE.value
    count: int = 0
    rival: str = ""
    rival_count: int = 0


def weight_of(text: str) -> Weight:
    text = text[:_READ]
    signs = len(_SIGNS.findall(text))
    if signs:
        return _of(signs >= ENOUGH_SIGNS, signs >= _HINT_SIGNS)
    spoken = [part for part in text.casefold().split() if not _NO_LANGUAGE.search(part)]
    found = _WORD.findall(" ".join(spoken))
    words = [word for word in found if word not in _EVERYWHERE]
    letters = sum(map(len, words))
    is_enough = letters >= ENOUGH_LETTERS and len(words) >= ENOUGH_WORDS
    return _of(is_enough, letters >= _HINT_LETTERS)


def heard(known: Known, language: str, weight: str) -> Known:
    """What is known after one more text of the guest, in which `language` was detected."""
    spoken = canonical(language)
    if weight == Weight.NOTHING or spoken == UNDETERMINED:
        return known
    is_enough = weight == Weight.ENOUGH
    if known.basis == Basis.PERSON:
        return _noted(known, spoken) if is_enough else known
    if not known.language:
        return Known(spoken, (Basis.MESSAGES if is_enough else Basis.HINT).value, 1)
    if not is_enough:
        return known
    if is_same_language(spoken, known.language):
        basis = Basis.MESSAGES if known.basis == Basis.HINT else Basis(known.basis)
        return Known(known.language, basis.value, known.count + 1)
    if known.basis in (Basis.HINT, Basis.CONTEXT):
        return Known(spoken, Basis.MESSAGES.value, 1)
    noted = _noted(known, spoken)
    if noted.rival_count >= AGREEING:
        return Known(spoken, Basis.MESSAGES.value, noted.rival_count)
    return noted


def preferred(known: Known, language: object) -> Known:
    """The guest's page says which language it prefers; what they write says more."""
    wanted = canonical(language) if isinstance(language, str) else UNDETERMINED
    if wanted == UNDETERMINED or known.basis in (Basis.MESSAGES, Basis.PERSON):
        return known
    if known.basis == Basis.CONTEXT and wanted == known.language:
        return known
    return Known(wanted, Basis.CONTEXT.value)


def chosen(known: Known, language: str) -> Known:
    """A person's word stays; what would be taken without it goes on being noted."""
    if known.basis == Basis.PERSON:
        return replace(known, language=canonical(language))
    return Known(
        canonical(language), Basis.PERSON.value, 0, rival=known.language, rival_count=known.count
    )


def released(known: Known) -> Known:
    """The person takes their word back."""
    if known.basis != Basis.PERSON:
        return known
    if not known.rival:
        return Known()
    basis = Basis.MESSAGES if known.rival_count else Basis.CONTEXT
    return Known(known.rival, basis.value, known.rival_count)


def _noted(known: Known, spoken: str) -> Known:
    is_again = bool(known.rival) and is_same_language(spoken, known.rival)
    count = known.rival_count + 1 if is_again else 1
    return replace(known, rival=known.rival if is_again else spoken, rival_count=count)


def _of(is_enough: bool, is_hint: bool) -> Weight:
    if is_enough:
        return Weight.ENOUGH
    return Weight.HINT if is_hint else Weight.NOTHING
