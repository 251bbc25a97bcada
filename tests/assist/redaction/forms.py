"""How people write and say a value; each form gives a text of it."""

from __future__ import annotations

import random
from collections.abc import Callable

_UNITS = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "es": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
    "de": ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
}
_TENS = {
    "en": ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
    "es": [
        "veinte",
        "treinta",
        "cuarenta",
        "cincuenta",
        "sesenta",
        "setenta",
        "ochenta",
        "noventa",
    ],
    "de": ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
}
_TEENS = {
    "en": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "es": "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve",
    "de": "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
}
_AT = {"en": "at", "es": "arroba", "de": "at"}
_DOT = {"en": "dot", "es": "punto", "de": "punkt"}
_DOUBLE = {"en": "double", "es": "doble", "de": "doppel"}

Form = Callable[[str, str, random.Random], str]


def plain(value: str, language: str, rng: random.Random) -> str:
    return value


def grouped(mark: str, *sizes: int) -> Form:
    def form(value: str, language: str, rng: random.Random) -> str:
        return mark.join(_cut(value, sizes or (4,)))

    return form


def full_width(value: str, language: str, rng: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def full_width_grouped(value: str, language: str, rng: random.Random) -> str:
    return full_width(" ".join(_cut(value, (4,))), language, rng)


def arabic(value: str, language: str, rng: random.Random) -> str:
    return "".join(chr(0x0660 + int(c)) if c.isdigit() else c for c in value)


def keycaps(value: str, language: str, rng: random.Random) -> str:
    return "".join(f"{c}\ufe0f\u20e3" if c.isdigit() else c for c in value)


def said(value: str, language: str, rng: random.Random) -> str:
    return " ".join(_UNITS[language][int(c)] if c.isdigit() else c for c in value)


def said_with_fillers(value: str, language: str, rng: random.Random) -> str:
    filler = {"en": "uh", "es": "eh", "de": "äh"}[language]
    words = said(value, language, rng).split()
    for place in sorted(rng.sample(range(1, len(words)), k=min(2, len(words) - 1)), reverse=True):
        words.insert(place, filler)
    return " ".join(words)


def said_doubled(value: str, language: str, rng: random.Random) -> str:
    words: list[str] = []
    index = 0
    while index < len(value):
        word = _UNITS[language][int(value[index])]
        if index + 1 < len(value) and value[index] == value[index + 1]:
            words += [_DOUBLE[language], word]
            index += 2
        else:
            words.append(word)
            index += 1
    return " ".join(words)


def said_in_pairs(value: str, language: str, rng: random.Random) -> str:
    return " ".join(_pair(pair, language) for pair in _cut(value, (2,)))


def said_address(value: str, language: str, rng: random.Random) -> str:
    text = value.replace("@", f" {_AT[language]} ").replace(".", f" {_DOT[language]} ")
    return text.replace(
        "_", {"en": " underscore ", "es": " guion bajo ", "de": " unterstrich "}[language]
    )


def said_ip(value: str, language: str, rng: random.Random) -> str:
    parts = [said(part, language, rng) for part in value.split(".")]
    return f" {_DOT[language]} ".join(parts)


def spaced_sign(value: str, language: str, rng: random.Random) -> str:
    return value.replace("@", rng.choice((" @ ", "@ ", " @", "＠", "@\n")))


def lower(value: str, language: str, rng: random.Random) -> str:
    return " ".join(_cut(value.lower(), (4,)))


def _pair(pair: str, language: str) -> str:
    if len(pair) == 1 or pair[0] == "0":
        return " ".join(_UNITS[language][int(c)] for c in pair)
    tens, unit = int(pair[0]), int(pair[1])
    if tens == 1:
        return _TEENS[language].split()[unit]
    word = _TENS[language][tens - 2]
    if unit == 0:
        return word
    if language == "de":
        return f"{'ein' if unit == 1 else _UNITS['de'][unit]}und{word}"
    if language == "es" and tens == 2:
        return (
            "veinti"
            + (
                ["uno", "dós", "trés", "cuatro", "cinco", "séis", "siete", "ocho", "nueve"][
                    unit - 1
                ]
            )
        )
    return f"{word} {'y ' if language == 'es' else ''}{_UNITS[language][unit]}"


def _cut(value: str, sizes: tuple[int, ...]) -> list[str]:
    parts, place, turn = [], 0, 0
    while place < len(value):
        size = sizes[min(turn, len(sizes) - 1)]
        parts.append(value[place : place + size])
        place, turn = place + size, turn + 1
    return parts


CARD: tuple[Form, ...] = (
    plain, grouped(" "), grouped("-"), grouped(" ", 4, 6, 5), grouped("."), grouped("\n"),
    grouped(" - "), full_width, full_width_grouped, arabic, keycaps, said, said_with_fillers,
    said_doubled, said_in_pairs, grouped(", "), grouped(" ", 1),
)  # fmt: skip
IBAN: tuple[Form, ...] = (
    plain, grouped(" "), grouped("-"), grouped("\n"), lower, full_width, grouped(" ", 2, 2, 4),
)  # fmt: skip
EMAIL: tuple[Form, ...] = (plain, plain, spaced_sign, said_address, said_address)
PHONE: tuple[Form, ...] = (
    plain, grouped(" ", 3, 3, 4), grouped("-", 3, 3, 4), grouped(".", 3, 3, 4), full_width, said,
    said_in_pairs, grouped(" ", 3, 2, 2), said_with_fillers,
)  # fmt: skip
SSN: tuple[Form, ...] = (
    grouped("-", 3, 2, 4), grouped(" ", 3, 2, 4), grouped(".", 3, 2, 4), plain, said, full_width,
    grouped(" - ", 3, 2, 4), said_with_fillers,
)  # fmt: skip
IP: tuple[Form, ...] = (plain, plain, said_ip)
CVV: tuple[Form, ...] = (plain, said, grouped(" ", 1))
