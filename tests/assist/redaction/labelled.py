"""The labelled set: template-made utterances, some in pieces, and what a redactor makes of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from assist.redaction.redactor import Redactor
from assist.redaction.spans import Span
from assist.redaction.window import RedactionWindow
from tests.assist.redaction import forms, values
from tests.assist.redaction.templates import TEST, TRAIN

LANGUAGES = {"en": "en-US", "es": "es-ES", "de": "de-DE"}
_EACH = {"CARD": 160, "IBAN": 80, "EMAIL": 80, "PHONE": 80, "SSN": 70, "IP": 40, "CVV": 40}
_OTHERS = 200
_SPLIT_SHARE = 0.25
_SPLIT_KINDS = ("CARD", "PHONE", "EMAIL", "SSN")


@dataclass(frozen=True, slots=True)
class Utterance:
    """`pieces` are chunks as they arrive; `labels[i]` the places in piece i."""

    language: str
    pieces: tuple[str, ...]
    labels: tuple[tuple[Span, ...], ...]


@dataclass(slots=True)
class Figures:
    said: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    missed: list[Utterance] = field(default_factory=list)
    wrong: list[tuple[Utterance, str]] = field(default_factory=list)

    def recall(self, kind: str) -> float:
        return self.covered[kind] / self.said[kind] if self.said[kind] else 1.0

    def precision(self, kind: str | None = None) -> float:
        if kind is None:
            return sum(self.right.values()) / max(1, sum(self.found.values()))
        return self.right[kind] / self.found[kind] if self.found[kind] else 1.0


def labelled_set(part: str, *, seed: int = 6) -> list[Utterance]:
    rng = random.Random(f"{part}-{seed}")
    made = []
    for language, templates in (TRAIN if part == "train" else TEST).items():
        for kind, count in _EACH.items():
            made += [_utterance(language, kind, templates[kind], rng) for _ in range(count)]
        made += [_other(language, templates["OTHER"], rng) for _ in range(_OTHERS)]
    return made


def measured(utterances: Iterable[Utterance]) -> Figures:
    figures = Figures()
    redactors = {language: Redactor(language=tag) for language, tag in LANGUAGES.items()}
    for utterance in utterances:
        found = spans_found(redactors[utterance.language], utterance.pieces)
        _count(figures, utterance, found)
    return figures


def spans_found(
    redactor: Redactor, pieces: Sequence[str], *, apart_s: float = 0.5
) -> list[tuple[Span, ...]]:
    """What is taken out of each piece in the end, as they arrive so far apart."""
    window: RedactionWindow[int] = RedactionWindow(redactor)
    found: list[tuple[Span, ...]] = [() for _ in pieces]
    now = 0.0
    for index, piece in enumerate(pieces):
        now += apart_s
        for released in window.final(piece, index, now=now):
            found[released.item] = released.redacted.spans
    for released in window.flush(now):
        found[released.item] = released.redacted.spans
    return found


def _count(figures: Figures, utterance: Utterance, found: list[tuple[Span, ...]]) -> None:
    is_missed = False
    kinds = {label.kind for labels in utterance.labels for label in labels}
    for kind in kinds:
        figures.said[kind] += 1
        is_covered = all(
            _is_covered(label, spans)
            for labels, spans in zip(utterance.labels, found, strict=True)
            for label in labels
            if label.kind == kind
        )
        figures.covered[kind] += is_covered
        is_missed |= not is_covered
    for labels, spans in zip(utterance.labels, found, strict=True):
        for span in spans:
            figures.found[span.kind] += 1
            if any(span.kind == label.kind and span.overlaps(label) for label in labels):
                figures.right[span.kind] += 1
            else:
                figures.wrong.append((utterance, span.kind))
    if is_missed:
        figures.missed.append(utterance)


def _is_covered(label: Span, spans: Sequence[Span]) -> bool:
    """Every character of it is taken out, and as what it is."""
    left = set(range(label.start, label.end))
    for span in spans:
        left -= set(range(span.start, span.end))
    return not left and any(span.kind == label.kind and span.overlaps(label) for span in spans)


def _utterance(language: str, kind: str, templates: Sequence[str], rng: random.Random) -> Utterance:
    value = _value(kind, language, rng)
    before, after = rng.choice(templates).split("{}")
    text = f"{before}{value}{after}"
    label = Span(len(before), len(before) + len(value), kind)
    if kind in _SPLIT_KINDS and rng.random() < _SPLIT_SHARE:
        return _split(language, text, label, rng)
    return Utterance(language, (text,), ((label,),))


def _value(kind: str, language: str, rng: random.Random) -> str:
    form = rng.choice(getattr(forms, kind))
    if kind == "PHONE":
        code, national = values.phone(rng, language)
        if rng.random() < 0.3:
            return f"{code} {' '.join(forms._cut(national, (3, 3, 4)))}"
        if language == "de":
            national = f"0{national}"
        return form(national, language, rng)
    return form(getattr(values, kind.lower())(rng), language, rng)


def _split(language: str, text: str, label: Span, rng: random.Random) -> Utterance:
    """Cut within the value where white space or two digits allow it."""
    places = [
        place
        for place in range(label.start + 1, label.end)
        if text[place].isspace() or (text[place].isdigit() and text[place - 1].isdigit())
    ]
    if label.kind == "EMAIL":
        places = [text.index("@") + 1] if "@" in text else []
    if not places:
        return Utterance(language, (text,), ((label,),))
    place = rng.choice(places)
    skip = 1 if text[place : place + 1].isspace() else 0
    first, second = text[:place], text[place + skip :]
    labels = (
        (Span(label.start, len(first.rstrip()), label.kind),),
        (Span(0, label.end - place - skip, label.kind),),
    )
    return Utterance(language, (first, second), labels)


def _other(language: str, templates: Sequence[str], rng: random.Random) -> Utterance:
    text = rng.choice(templates)
    for name, value in _harmless(language, rng).items():
        text = text.replace("{" + name + "}", value)
    return Utterance(language, (text,), ((),))


def _harmless(language: str, rng: random.Random) -> dict[str, str]:
    day, month = rng.randrange(1, 29), rng.randrange(1, 13)
    dates = (f"{day:02d}/{month:02d}/2024", f"2024-{month:02d}-{day:02d}", f"{day}.{month}.2024")
    order = "".join(str(rng.randrange(10)) for _ in range(rng.choice((5, 6, 8, 9, 10, 12))))
    return {
        "ORDER": rng.choice((order, f"{order[:3]}-{order[3:]}", f"AB{order}", " ".join(order[:6]))),
        "DATE": rng.choice(dates),
        "TIME": f"{rng.randrange(24):02d}:{rng.randrange(60):02d}",
        "PRICE": rng.choice(
            (f"{rng.randrange(9999)},{rng.randrange(99):02d} €", "1,249.99 dollars")
        ),
        "COUNT": str(rng.randrange(3, 400)),
        "FLIGHT": f"{rng.choice(('LH', 'IB', 'BA'))} {rng.randrange(100, 9999)}",
        "VERSION": f"{rng.randrange(9)}.{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(9)}",
    }
