"""What stands beside the code: commands, lock files, example settings, words in the documents."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT_SUFFIXES = {
    "",
    ".css",
    ".example",
    ".html",
    ".js",
    ".json",
    ".md",
    ".py",
    ".toml",
    ".txt",
    ".yaml",
}
NOT_OURS = {".git", ".venv", "node_modules", "staticfiles", "__pycache__", "vendor", "var"}


def project_files() -> list[Path]:
    """Files in version control or about to be; all but caches where git is not at hand."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if "_cache" not in path.as_posix()]
    return [
        path
        for path in found
        if path.is_file()
        and path.suffix in TEXT_SUFFIXES
        and not NOT_OURS & set(path.relative_to(ROOT).parts)
    ]


def example_settings() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def settings_read() -> set[str]:
    """By the typed readers of config, or straight from the environment by a command."""
    files = [
        path for folder in ("config", "conversations") for path in (ROOT / folder).rglob("*.py")
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    pattern = r"\b(?:env\.\w+|os\.environ\.get|os\.getenv)\(\s*\"([A-Z][A-Z0-9_]+)\""
    return set(re.findall(pattern, text))


def test_the_example_lists_every_setting_that_is_read():
    assert settings_read() - example_settings() == set()


def test_the_example_promises_no_setting_that_nobody_reads():
    assert example_settings() - settings_read() == set()


def test_the_example_lists_every_setting_of_the_protocol():
    protocol = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in protocol.splitlines() if line.startswith("| `"))
    promised = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", row.split("|")[1])
    }

    assert promised - example_settings() == set()


@pytest.mark.parametrize(
    "target", ["setup", "run", "test", "check", "format", "bench", "soak", "lock"]
)
def test_make_knows_the_command(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_continuous_integration_runs_what_people_run():
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_file_pins_every_package_by_hash_and_names_no_index(name: str):
    lock = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z])", lock.strip())

    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert not re.search(r"://|--index-url|--find-links", lock)


def test_the_development_lock_has_the_same_versions_as_the_production_lock():
    production, development = (
        set(re.findall(r"^([a-zA-Z0-9_.\[\],-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )

    assert production - development == set()


def test_every_declared_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=;~! ]", entry)[0].lower().replace("_", "-") for entry in declared}
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9.-]+)(?:\[[^\]]*\])?==", lock, re.MULTILINE))

    assert names - locked == set()


def test_no_file_mentions_a_place_on_somebodys_machine():
    place = re.compile(r"(?<![\w.])/(?:root|work|home|Users)/\w|[A-Z]:\\\\Users")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in project_files()
        if path != Path(__file__)
        and place.search(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


def test_every_link_between_documents_leads_somewhere():
    broken = []
    for document in (path for path in project_files() if path.suffix == ".md"):
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
            if not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")

    assert broken == []


def test_every_test_that_the_documents_name_exists():
    """Who reads that a fault is tried must find where."""
    named = [
        (path, file, name)
        for path in (ROOT / "docs").glob("*.md")
        for file, name in re.findall(
            r"`([\w/]+\.py)::(test_\w+)`", path.read_text(encoding="utf-8")
        )
    ]

    missing = [
        f"{path.name}: {file}::{name}"
        for path, file, name in named
        if not (ROOT / "tests" / file).is_file()
        or f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]

    assert named
    assert not missing


def test_the_licence_is_the_one_that_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
