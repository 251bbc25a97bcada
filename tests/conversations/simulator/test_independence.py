"""The simulator knows nothing of ours: a shared misreading would cancel itself out."""

from __future__ import annotations

import ast
from pathlib import Path

import conversations.simulator

FOLDER = Path(conversations.simulator.__file__).parent
OURS = ("conversations", "translation", "assist", "config", "django")


def test_it_imports_nothing_of_ours() -> None:
    foreign = []

    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            foreign += [
                (path.name, module)
                for module in modules
                if module.split(".")[0] in OURS and not module.startswith("conversations.simulator")
            ]

    assert foreign == []
