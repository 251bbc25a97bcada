"""Digits as people say them, in English, Spanish and German.

Words are looked up casefolded and without accents. `fills`: how many of its trailing zeros the
next number word may take ("forty" + "one" is 41, "seiscientos" + "doce" is 612).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class NumberWord:
    digits: str
    fills: int = 0
    needs_joint: bool = False  # Spanish: "cuarenta y uno", never "cuarenta uno"


def _counted(words: str, *, start: int = 0) -> dict[str, NumberWord]:
    return {word: NumberWord(str(n)) for n, word in enumerate(words.split(), start)}


_EN_UNITS = _counted("zero one two three four five six seven eight nine")
_EN_TEENS = _counted(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", start=10
)
_EN_TENS = {
    word: NumberWord(f"{n}0", 1)
    for n, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
}
_ES_UNITS = _counted("cero uno dos tres cuatro cinco seis siete ocho nueve")
_ES_TEENS = _counted(
    "diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte"
    " veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete"
    " veintiocho veintinueve",
    start=10,
)
_ES_TENS = {
    word: NumberWord(f"{n}0", 1, needs_joint=True)
    for n, word in enumerate(
        ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"], 3
    )
}
_ES_HUNDREDS = {
    word: NumberWord(f"{n}00", 2)
    for n, word in enumerate(
        [
            "ciento",
            "doscientos",
            "trescientos",
            "cuatrocientos",
            "quinientos",
            "seiscientos",
            "setecientos",
            "ochocientos",
            "novecientos",
        ],
        1,
    )
}
_DE_UNITS = _counted("null eins zwei drei vier funf sechs sieben acht neun")
_DE_TEENS = _counted(
    "zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn", start=10
)
_DE_TENS = dict(
    enumerate(
        ["zwanzig", "dreissig", "vierzig", "funfzig", "sechzig", "siebzig", "achtzig", "neunzig"], 2
    )
)
_DE_COMPOSED = {
    f"{unit}und{tens}": NumberWord(f"{n}{u}")
    for n, tens in _DE_TENS.items()
    for u, unit in enumerate(
        ["ein", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun"], 1
    )
}

WORDS: dict[str, NumberWord] = (
    _EN_UNITS
    | _EN_TEENS
    | _EN_TENS
    | _ES_UNITS
    | _ES_TEENS
    | _ES_TENS
    | _ES_HUNDREDS
    | _DE_UNITS
    | _DE_TEENS
    | {word: NumberWord(f"{n}0") for n, word in _DE_TENS.items()}
    | _DE_COMPOSED
    | {
        "nought": NumberWord("0"),
        "naught": NumberWord("0"),
        "oh": NumberWord("0"),
        "un": NumberWord("1"),
        "una": NumberWord("1"),
        "cien": NumberWord("100"),
        "ein": NumberWord("1"),
        "zwo": NumberWord("2"),
    }
)
# Digits only behind a digit: elsewhere they are other words.
BEHIND_A_DIGIT = {"o": "0"}
# "eight hundred" is 800.
HUNDRED = frozenset({"hundred", "hundert"})
REPEATS = {"double": 2, "doble": 2, "doppel": 2, "zweimal": 2, "triple": 3, "treble": 3}
JOINTS = frozenset({"y", "and", "und"})
# What people say between digits without meaning anything by it.
FILLERS = frozenset(
    [
        "um",
        "uh",
        "uhm",
        "er",
        "erm",
        "ah",
        "eh",
        "ehm",
        "ahm",
        "hm",
        "mhm",
        "and",
        "then",
        "also",
        "comma",
        "dash",
        "hyphen",
        "space",
        "minus",
        "slash",
        "y",
        "luego",
        "despues",
        "coma",
        "guion",
        "espacio",
        "este",
        "pues",
        "barra",
        "und",
        "dann",
        "komma",
        "strich",
        "bindestrich",
        "leerzeichen",
        "schragstrich",
    ]
)
# What the other one says between digits to say that it has heard them: in a word, or in two.
ACKNOWLEDGEMENTS = frozenset([
    "okay", "ok", "yes", "yeah", "yea", "yep", "yup", "right", "sure", "alright", "fine", "good",
    "great", "perfect", "correct", "exactly", "gotcha", "understood", "noted", "cool", "huh", "aha",
    "hmm", "mm", "mmm", "mmhm", "mhmm", "next", "continue",
    "vale", "si", "claro", "bueno", "bien", "perfecto", "correcto", "exacto", "entendido", "listo",
    "aja", "ya", "dale", "adelante", "siga", "sigue",
    "ja", "jawohl", "jo", "jep", "genau", "gut", "richtig", "stimmt", "klar", "verstanden",
    "prima", "super", "perfekt", "weiter",
])  # fmt: skip
ACKNOWLEDGEMENTS_IN_TWO = {
    "got": frozenset({"it", "that"}),
    "go": frozenset({"on", "ahead"}),
    "all": frozenset({"right"}),
    "very": frozenset({"good", "well"}),
    "of": frozenset({"course"}),
    "thank": frozenset({"you"}),
    "i": frozenset({"see"}),
    "de": frozenset({"acuerdo"}),
    "muy": frozenset({"bien"}),
    "eso": frozenset({"es"}),
    "por": frozenset({"supuesto"}),
    "alles": frozenset({"klar", "gut"}),
    "sehr": frozenset({"gut"}),
    "in": frozenset({"ordnung"}),
    "ach": frozenset({"so"}),
}
DOTS = frozenset({"dot", "point", "period", "punto", "punkt"})
PLUS = frozenset({"plus", "mas"})


@lru_cache(maxsize=4096)
def bare(word: str) -> str:
    """Casefolded, without accents: "Dieciséis" and "fünf" as they are listed."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


SPOKEN = frozenset(WORDS) | frozenset(REPEATS)
