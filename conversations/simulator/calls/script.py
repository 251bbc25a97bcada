"""Reading the scripts of calls: what is said, how clearly, and what goes wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFAULT = "hotel-en"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One final chunk. `late_ms`: how long it is on the way; interims come before it."""

    text: str
    confidence: float
    pause_s: float
    late_ms: float
    media_type: str | None
    interims: bool


@dataclass(frozen=True, slots=True)
class CallScript:
    name: str
    language: str
    spoken: tuple[Spoken, ...]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "articles")


def script_for(interaction_id: str) -> CallScript:
    """The one whose name stands in the id ("call-factura-es"), else the English one."""
    chosen = next((name for name in names() if name in interaction_id), DEFAULT)
    return load(chosen)


@lru_cache(maxsize=16)
def load(name: str) -> CallScript:
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return CallScript(name, data["language"], tuple(_spoken(one) for one in data["spoken"]))


def _spoken(data: Mapping[str, Any]) -> Spoken:
    text = str(data["text"])
    return Spoken(
        text=text,
        confidence=float(data.get("confidence", 0.93)),
        pause_s=float(data.get("pause", 0.9)),
        late_ms=float(data.get("late_ms", 180)),
        media_type=data.get("codec", "audio/ulaw"),
        interims=bool(data.get("interims", True)),
    )
