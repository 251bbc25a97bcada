"""Apertium's command line: asked for known pairs, never waited for, never needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversations.simulator import apertium
from conversations.simulator.apertium import Apertium

SCRIPT = """#!/bin/sh
case "$1" in
  -l) echo "  spa-eng"; echo "  eng-spa";;
  *) read -r text; [ "$text" = slow ] && exec sleep 5; echo "rough $2 $text";;
esac
"""


@pytest.fixture
def command(tmp_path: Path) -> str:
    script = tmp_path / "apertium"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    return str(script)


async def test_a_known_pair_is_translated(command: str) -> None:
    rough = Apertium(command=command)

    assert await rough.translate("hola", source="es", target="en") == "rough spa-eng hola"
    assert await rough.translate("hallo", source="de", target="en") is None


async def test_a_slow_answer_is_not_waited_for(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apertium, "TIME_LIMIT_S", 0.3)

    assert await Apertium(command=command).translate("slow", source="es", target="en") is None


async def test_without_the_command_there_is_no_answer() -> None:
    missing = Apertium(command="there-is-no-such-command")

    assert await missing.translate("hola", source="es", target="en") is None
