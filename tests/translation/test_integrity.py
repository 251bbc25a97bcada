"""What a translation has lost of what must come through."""

from __future__ import annotations

import pytest

from translation.integrity import missing_in


@pytest.mark.parametrize(
    ("original", "translation"),
    [
        ("Your booking 4711 costs 1,250.50 €", "Su reserva 4711 cuesta 1.250,50 €"),
        ("See https://example.org/a?b=1.", "Véase https://example.org/a?b=1."),
        ("Write to ana@example.org", "Escriba a ana@example.org"),
        ("I have 2 of them", "Tengo dos"),
        ("Table for ٢٥", "Mesa para 25"),
        ("Nothing to keep", "Nada"),
    ],
)
def test_what_came_through_in_its_own_way_is_not_missed(original: str, translation: str) -> None:
    assert missing_in(translation, original) == []


@pytest.mark.parametrize(
    ("original", "translation", "missing"),
    [
        ("Booking 4711", "Reserva 4771", ["4711"]),
        ("Twice 12 and 12", "Una vez 12", ["12"]),
        ("See www.example.org/help", "Véase la ayuda", ["www.example.org/help"]),
        ("ana@example.org, 30 %", "30 %", ["ana@example.org"]),
    ],
)
def test_what_is_missing_is_named_as_it_was_written(
    original: str, translation: str, missing: list[str]
) -> None:
    assert missing_in(translation, original) == missing
