"""No text becomes markup or script: the ways to do that stand nowhere in our code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_repository import project_files

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {
    r"\b(inner|outer)HTML\b",
    r"\binsertAdjacentHTML\b",
    r"\bdocument\s*\.\s*write(ln)?\b",
    r"\b(set|parse)HTML(Unsafe)?\b",
    r"\bcreateContextualFragment\b",
    r"\bsrcdoc\b",
    r"\beval\b",
    r"\bnew\s+Function\b",
    r"\bset(Timeout|Interval)\(\s*[\"'`]",
    r"setAttribute\(\s*[\"'`](on|style|src)",
    r"javascript:",
}
TEMPLATES = {
    r"\|\s*safe(seq)?\b",
    r"\bautoescape\b",
    r"<script(?![^>]*\bsrc=)[^>]*>",
    r"\son\w+\s*=",
    r"\sstyle\s*=",
    r"javascript:",
}
PYTHON = {
    r"\bmark_safe\b",
    r"\bSafe(String|Text|Data)\(",
    r"__html__",
    r"\b(csp|xframe_options)_exempt\b",
    r"\bcsrf_exempt\b",
    r"\bformat_html\(\s*f[\"']",
}
RULES = {".js": SCRIPTS, ".html": TEMPLATES, ".py": PYTHON}
# A word here needs a reason beside it.
ALLOWED: set[tuple[str, str]] = set()


def ours(suffix: str) -> list[Path]:
    folders = {"config", "conversations", "translation", "assist", "templates"}
    return [
        path
        for path in project_files()
        if path.suffix == suffix and path.relative_to(ROOT).parts[0] in folders
    ]


@pytest.mark.parametrize("suffix", RULES)
def test_no_text_becomes_markup_or_script(suffix: str):
    found = {
        (path.relative_to(ROOT).as_posix(), match.group().strip())
        for path in ours(suffix)
        for pattern in RULES[suffix]
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"))
    }

    assert found - ALLOWED == set()
    assert len(ours(suffix)) > 5


@pytest.mark.parametrize(
    ("suffix", "line"),
    [
        (".js", "node.innerHTML = text"),
        (".js", "document.write(text)"),
        (".js", "setTimeout('go()', 5)"),
        (".html", "{{ text|safe }}"),
        (".html", "{% autoescape off %}"),
        (".html", '<p onclick="go()">'),
        (".html", "<script>go()</script>"),
        (".py", "mark_safe(text)"),
        (".py", 'format_html(f"<b>{text}</b>")'),
    ],
)
def test_the_rules_find_what_they_forbid(suffix: str, line: str):
    assert any(re.search(pattern, line) for pattern in RULES[suffix])
