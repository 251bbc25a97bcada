"""IBANs by country, length and check digits; letters and digits may be spaced, dashed or said.

What the other one says to acknowledge a part of them is passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set

from assist.redaction.digits import FILLERS_AT_MOST
from assist.redaction.number_words import (
    ACKNOWLEDGEMENTS,
    ACKNOWLEDGEMENTS_IN_TWO,
    WORDS,
    bare,
)
from assist.redaction.spans import IBAN, Span, without_overlaps

# SWIFT's registry: country → characters in all.
LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
_TOKEN = re.compile(r"[^\W\d_]+|\d|\s+|[^\w\s]|\w|_")
_WORD = re.compile(r"[^\W\d_]+")
_COUNTRY = re.compile(r"([^\W\d_])\W{0,4}([^\W\d_])\W{0,4}\d")
_GAP_AT_MOST = 4  # characters of white space or dashes between two
_BETWEEN = frozenset(" \t\r\n\u00a0\u2009\u202f-\u2010\u2011\u2013\u2014.,_/\u200b\ufeff")

_PASSED_OVER = ACKNOWLEDGEMENTS.union(ACKNOWLEDGEMENTS_IN_TWO, *ACKNOWLEDGEMENTS_IN_TWO.values())

Symbol = tuple[str, int, int]  # a letter or digit with its place


def may_begin_iban(text: str) -> bool:
    """A country's two letters before a digit: cheap to ask before the search."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return any(f"{match[1]}{match[2]}".upper() in LENGTHS for match in _COUNTRY.finditer(plain))


def ibans_in(text: str) -> list[Span]:
    found = _in_chains(_chains(text, passed_over=frozenset()))
    words = set(map(bare, _WORD.findall(text)))
    if not words.isdisjoint(_PASSED_OVER):
        found += _in_chains(_chains(text, passed_over=_PASSED_OVER))
    return without_overlaps(found)


def _in_chains(chains: Iterator[list[Symbol]]) -> list[Span]:
    found: list[Span] = []
    for symbols in chains:
        index = 0
        while index < len(symbols) - 14:
            length = _iban_at(symbols, index)
            if length:
                found.append(Span(symbols[index][1], symbols[index + length - 1][2], IBAN))
                index += length
            else:
                index += 1
    return found


def _iban_at(symbols: list[Symbol], index: int) -> int:
    """How many symbols from `index` on are an IBAN; 0: none."""
    length = LENGTHS.get(symbols[index][0] + symbols[index + 1][0], 0)
    if not length or index + length > len(symbols):
        return 0
    if not (symbols[index + 2][0].isdigit() and symbols[index + 3][0].isdigit()):
        return 0
    value = "".join(symbol[0] for symbol in symbols[index : index + length])
    return length if _is_sound(value) else 0


def _is_sound(value: str) -> bool:
    moved = value[4:] + value[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _chains(text: str, *, passed_over: Set[str]) -> Iterator[list[Symbol]]:
    """Letters and digits as far as nothing but white space, dashes and those words part them."""
    chain: list[Symbol] = []
    gap = words = 0
    for match in _TOKEN.finditer(text):
        token, start = match.group(), match.start()
        may_pass = words < FILLERS_AT_MOST and not _may_be_country(text, match, chain)
        if may_pass and bare(token) in passed_over:
            gap, words = 0, words + 1
            continue
        symbols = _symbols(token, start)
        if symbols:
            chain += symbols
            gap = words = 0
            continue
        gap += len(token)
        if gap > _GAP_AT_MOST or any(mark not in _BETWEEN for mark in token):
            yield chain
            chain, gap = [], 0
    yield chain


def _may_be_country(text: str, word: re.Match[str], chain: list[Symbol]) -> bool:
    """ "SI56", "it is DE 89": written with the digits behind it, or with none before it."""
    if word.group().upper() not in LENGTHS:
        return False
    is_written_with = text[word.end() : word.end() + 1].isdigit()
    return is_written_with or not (chain and chain[-1][0].isdigit())


def _symbols(token: str, start: int) -> list[Symbol]:
    number = WORDS.get(bare(token)) if token[0].isalpha() else None
    if number is not None:
        return [(digit, start, start + len(token)) for digit in number.digits]
    symbols = []
    for place, character in enumerate(token, start):
        if not character.isascii():
            character = unicodedata.normalize("NFKC", character)
        if len(character) != 1 or not character.isalnum() or not character.isascii():
            return []
        symbols.append((character.upper(), place, place + 1))
    return symbols
