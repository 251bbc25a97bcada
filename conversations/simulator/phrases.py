"""Which language a text is in and what it means in English, as far as the simulator knows.

What the scenarios say is known exactly; for other texts the language is guessed from the script
and from small words.
"""

from __future__ import annotations

import re
from collections import OrderedDict

LIMIT = 200_000

# First match wins: kana before Han, because Japanese writes both.
SCRIPTS = (
    ("JA", re.compile(r"[\u3040-\u30ff]")),
    ("KO", re.compile(r"[\uac00-\ud7af]")),
    ("ZH", re.compile(r"[\u4e00-\u9fff]")),
    ("AR", re.compile(r"[\u0600-\u06ff]")),
    ("RU", re.compile(r"[\u0400-\u04ff]")),
    ("EL", re.compile(r"[\u0370-\u03ff]")),
)
WORDS = {
    "ES": "hola gracias por favor el la los las una mi pedido necesito quiero con para está es "
    "pero cuándo cómo dónde tengo habitación buenos días ayuda que y sí usted muy",
    "FR": "bonjour merci le la les une mon ma je vous avec pour est mais quand comment où ai "
    "chambre commande bonne journée plaît que et oui non très pas des dans",
    "DE": "hallo danke bitte der die das ein eine mein ich sie mit für ist aber wann wie wo habe "
    "zimmer bestellung guten tag und ja nein sehr nicht auf von zu noch",
    "PT": "olá obrigado obrigada por favor o os as uma meu minha eu você com para está mas "
    "quando como onde tenho quarto pedido bom dia e sim não muito ajuda que preciso vocês essa",
    "IT": "ciao grazie il lo gli una mio mia io con per è ma quando come dove ho camera ordine "
    "buongiorno e sì non molto aiuto che sono vorrei",
    "EN": "hello hi thanks thank please the a an my i you with for is but when how where have "
    "room order good morning day and yes no very not help that to of need want it in we",
}
STOPS = {language: frozenset(words.split()) for language, words in WORDS.items()}
MARKS = (("ES", "¿¡ñ"), ("PT", "ãõ"), ("DE", "ßäö"), ("FR", "çœùë"))
WORD = re.compile(r"[^\W\d_]+")


def base(language: str | None) -> str:
    """`PT-BR` → `pt`; nothing → the empty string."""
    return (language or "").replace("_", "-").split("-")[0].lower()


class Phrases:
    """Texts with language and English, both ways; the oldest are forgotten past `LIMIT`."""

    def __init__(self) -> None:
        self._english: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._foreign: dict[tuple[str, str], str] = {}

    def learn(self, text: str, *, language: str, english: str) -> None:
        self._english[text] = (language.upper(), english)
        self._foreign[(base(language), english)] = text
        if len(self._english) > LIMIT:
            old, (spoken, meaning) = self._english.popitem(last=False)
            if self._foreign.get((base(spoken), meaning)) == old:
                del self._foreign[(base(spoken), meaning)]

    def lookup(self, text: str) -> tuple[str, str] | None:
        """(language, English) of a text that a scenario or the load wrote."""
        return self._english.get(text) or self._english.get(text.strip())

    def foreign(self, english: str, *, language: str) -> str | None:
        """What a scenario says for an English sentence in that language."""
        return self._foreign.get((base(language), english))

    def detect(self, text: str) -> str:
        """A guess; English where nothing speaks for anything else, as DeepL does for "ok"."""
        known = self.lookup(text)
        if known:
            return known[0]
        for language, script in SCRIPTS:
            if script.search(text):
                return language
        lowered = text.lower()
        words = WORD.findall(lowered)
        scores = {
            language: sum(word in stops for word in words) for language, stops in STOPS.items()
        }
        for language, marks in MARKS:
            scores[language] += 2 * any(mark in lowered for mark in marks)
        best = max(scores, key=lambda language: (scores[language], language == "EN"))
        return best if scores[best] else "EN"
