"""Card numbers in pieces, as digits and as words (reliability J3)."""

from __future__ import annotations

import random
from itertools import pairwise

from assist.redaction.redactor import Redactor
from tests.assist.redaction import forms, values
from tests.assist.redaction.labelled import LANGUAGES, spans_found

_ACKNOWLEDGED = {
    "en": ("okay", "yes", "got it", "mhm", "right, go on"),
    "es": ("vale", "sí", "de acuerdo", "muy bien", "ajá"),
    "de": ("ja", "genau", "alles klar", "in Ordnung", "okay"),
}


def leaks_of_split_cards(count: int) -> list[list[str]]:
    """Those of `count` numbers of which a part stayed: the pieces as they were said."""
    rng = random.Random(3)
    redactors = {language: Redactor(language=tag) for language, tag in LANGUAGES.items()}
    leaks = []
    for index in range(count):
        language = ("en", "es", "de")[index % 3]
        pieces = _pieces(language, rng, in_words=index % 4 == 0)
        found = spans_found(redactors[language], pieces)
        taken = [sum(span.end - span.start for span in spans) for spans in found]
        if taken != [len(piece) for piece in pieces]:
            leaks.append(pieces)
    return leaks


def leaks_of_acknowledged_cards(count: int) -> list[list[str]]:
    """The same where the other one acknowledges each piece in a chunk between."""
    rng = random.Random(4)
    redactors = {language: Redactor(language=tag) for language, tag in LANGUAGES.items()}
    leaks = []
    for index in range(count):
        language = ("en", "es", "de")[index % 3]
        pieces = _pieces(language, rng, in_words=index % 4 == 0)
        chunks = [chunk for one in pieces for chunk in (one, rng.choice(_ACKNOWLEDGED[language]))]
        found = spans_found(redactors[language], chunks)[::2]
        taken = [sum(span.end - span.start for span in spans) for spans in found]
        if taken != [len(piece) for piece in pieces]:
            leaks.append(chunks)
    return leaks


def leaks_of_slow_cards(count: int) -> list[list[str]]:
    """The same of numbers that are said digit by digit, each released before the next one comes."""
    rng = random.Random(5)
    redactors = {language: Redactor(language=tag) for language, tag in LANGUAGES.items()}
    leaks = []
    for index in range(count):
        language = ("en", "es", "de")[index % 3]
        form = forms.said if index % 2 else forms.grouped(" ", 1)
        pieces = form(values.card(rng), language, rng).split()
        found = spans_found(redactors[language], pieces, apart_s=2.0)
        taken = [sum(span.end - span.start for span in spans) for spans in found]
        if taken != [len(piece) for piece in pieces]:
            leaks.append(pieces)
    return leaks


def _pieces(language: str, rng: random.Random, *, in_words: bool) -> list[str]:
    form = forms.said if in_words else forms.grouped(" ")
    units = form(values.card(rng), language, rng).split()
    cuts = sorted(rng.sample(range(1, len(units)), k=min(rng.randrange(1, 5), len(units) - 1)))
    return [" ".join(units[a:b]) for a, b in pairwise([0, *cuts, len(units)])]
