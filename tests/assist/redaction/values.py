"""Made-up values with sound checksums: nobody's cards, accounts or numbers."""

from __future__ import annotations

import random

from phonenumbers import is_valid_number, parse

_ISSUERS = {
    16: ("4", "51", "52", "53", "54", "55", "2221", "2300", "2720", "6011", "65", "3530"),
    15: ("34", "37"),
    14: ("36", "38", "300"),
    13: ("4",),
    19: ("6304", "4"),
}
_BANKS = {"DE": ("", 18), "ES": ("", 20), "GB": ("NWBK", 14), "NL": ("ABNA", 10), "AT": ("", 16)}
_DOMAINS = ("example.com", "example.org", "mail.example.net", "ejemplo.es", "beispiel.de")
_NAMES = [
    "ana",
    "luis",
    "maria",
    "john",
    "peter",
    "hans",
    "greta",
    "sofia",
    "carlos",
    "emma",
    "lukas",
    "marta",
]
_PHONES = {
    "en": (("US", "+1", ("202", "415", "646", "312", "305")),),
    "es": (("ES", "+34", ("612", "655", "699", "914", "934")),),
    "de": (("DE", "+49", ("170", "151", "160", "30", "89")),),
}


def card(rng: random.Random) -> str:
    length = rng.choice((16, 16, 16, 16, 15, 14, 13, 19))
    digits = rng.choice(_ISSUERS[length])
    digits += "".join(str(rng.randrange(10)) for _ in range(length - 1 - len(digits)))
    return digits + luhn_digit(digits)


def luhn_digit(digits: str) -> str:
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def iban(rng: random.Random) -> str:
    country, (bank, count) = rng.choice(list(_BANKS.items()))
    account = bank + "".join(str(rng.randrange(10)) for _ in range(count))
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def email(rng: random.Random) -> str:
    name = rng.choice(_NAMES)
    match rng.randrange(4):
        case 0:
            name += f".{rng.choice(_NAMES)}"
        case 1:
            name += f"_{rng.choice(_NAMES)}"
        case 2:
            name += str(rng.randrange(10, 99))
    return f"{name}@{rng.choice(_DOMAINS)}"


def phone(rng: random.Random, language: str) -> tuple[str, str]:
    """Country code and national number, valid by the numbering plan."""
    region, code, prefixes = rng.choice(_PHONES[language])
    while True:
        prefix = rng.choice(prefixes)
        length = {"en": 10, "es": 9, "de": 11 if len(prefix) == 3 else 10}[language]
        national = prefix + "".join(str(rng.randrange(10)) for _ in range(length - len(prefix)))
        if is_valid_number(parse(national, region)):
            return code, national


def ssn(rng: random.Random) -> str:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}{rng.randrange(1, 100):02d}{rng.randrange(1, 10_000):04d}"


def ip(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(1, 255)) for _ in range(4))


def cvv(rng: random.Random) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(rng.choice((3, 3, 3, 4))))
