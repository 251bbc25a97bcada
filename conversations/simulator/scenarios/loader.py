"""Reading and checking scenario files. A file holds one conversation, or names others to play."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


class UnknownScenario(LookupError):
    """No scenario of that name."""


class BadScenario(ValueError):
    """A file that does not say what a scenario must."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Someone speaks. `pause_s` passes before it, the last `typing_s` of it with typing."""

    speaker: str  # guest | agent
    text: str
    translation: str | None
    pause_s: float
    typing_s: float
    read: bool


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    title: str
    language: str
    guest: str
    agent: str
    turns: tuple[Turn, ...]

    def as_json(self) -> dict[str, Any]:
        turns = [
            {"speaker": turn.speaker, "text": turn.text, "pause": turn.pause_s,
             "typing": turn.typing_s}
            for turn in self.turns
        ]  # fmt: skip
        return {
            "name": self.name,
            "title": self.title,
            "language": self.language,
            "guest": self.guest,
            "agent": self.agent,
            "turns": turns,
        }

    @property
    def needs_translation(self) -> bool:
        return not self.language.lower().startswith("en")


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    scripts: tuple[Script, ...]
    stagger_s: float = 0.0
    loop: bool = False


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def all_scripts() -> list[Script]:
    """Each scripted conversation once, by language."""
    scripts = {script.name: script for name in names() for script in load(name).scripts}
    return sorted(scripts.values(), key=lambda script: (script.language, script.name))


def load(name: str) -> Scenario:
    path = FOLDER / f"{name}.json"
    if name not in names():
        raise UnknownScenario(f"no scenario {name!r}; there are: {', '.join(names())}")
    data = json.loads(path.read_text(encoding="utf-8"))
    if "plays" not in data:
        return Scenario(name, str(data.get("title", name)), (_script(name, data),))
    return Scenario(
        name=name,
        title=str(data.get("title", name)),
        scripts=tuple(script for part in data["plays"] for script in load(part).scripts),
        stagger_s=float(data.get("stagger_s", 0)),
        loop=bool(data.get("loop", False)),
    )


def _script(name: str, data: Mapping[str, Any]) -> Script:
    missing = [key for key in ("title", "language", "guest", "agent", "turns") if key not in data]
    if missing:
        raise BadScenario(f"{name}: missing {', '.join(missing)}")
    script = Script(
        name=name,
        title=data["title"],
        language=data["language"],
        guest=data["guest"],
        agent=data["agent"],
        turns=tuple(_turn(name, index, turn) for index, turn in enumerate(data["turns"])),
    )
    for turn in script.turns:
        if turn.speaker == "guest" and script.needs_translation and not turn.translation:
            raise BadScenario(f"{name}: a guest's turn without its translation")
    return script


def _turn(name: str, index: int, data: Mapping[str, Any]) -> Turn:
    speakers = [who for who in ("guest", "agent") if who in data]
    if len(speakers) != 1:
        raise BadScenario(f"{name}, turn {index + 1}: one of guest or agent speaks")
    text = str(data[speakers[0]])
    pace = min(4.0, 0.8 + len(text) / 40)  # longer lines take longer to write
    return Turn(
        speaker=speakers[0],
        text=text,
        translation=data.get("en"),
        pause_s=float(data.get("pause", pace + 0.8)),
        typing_s=float(data.get("typing", pace)),
        read=bool(data.get("read", True)),
    )
