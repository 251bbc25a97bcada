"""The rules of the tree that no single module can break unseen."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "conversations", "translation", "assist", "bench", "tests")
MIRRORED = ("conversations/net", "conversations/genesys", "translation/providers")
LINES_AT_MOST = 500
# Read by Django, Channels, Celery or their apps, and not by a line of ours.
READ_BY_FRAMEWORKS = re.compile(
    r"^(ASGI_|AUTH_|AUTHENTICATION_|CACHES$|CELERY_|CHANNEL_|CONTENT_SECURITY_|CSRF_|DATABASES$|"
    r"DATABASE_ROUTERS$|DEFAULT_|FORMAT_|FORM_RENDERER$|INSTALLED_APPS$|LANGUAGE|LOCALE_|LOGGING|"
    r"LOGIN_|LOGOUT_|MEDIA_|MESSAGE_|MIDDLEWARE$|PASSWORD_|ROOT_URLCONF$|SECURE_|SESSION_|"
    r"SILENCED_|STATIC|STORAGES$|TEMPLATES$|TEST_|TIME_ZONE$|USE_|WHITENOISE_|X_FRAME_|"
    r"DATA_UPLOAD_|FILE_UPLOAD_|ALLOWED_HOSTS$|DEBUG$|SECRET_KEY$|BASE_DIR$)"
)


def python_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_the_contracts():
    run = "from importlinter.cli import lint_imports_command as run; run()"
    linted = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-c", run, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files(*PACKAGES)
    }

    too_long = {name: lines for name, lines in lengths.items() if lines > LINES_AT_MOST}

    assert not too_long


def test_every_setting_is_read_by_somebody():
    declared = _settings_names()
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in python_files("config", "conversations", "translation", "assist")
    )

    unread = {
        name
        for name in declared
        if not READ_BY_FRAMEWORKS.match(name)
        # Once where it is set; in settings.py it may also be used for another one.
        and len(re.findall(rf"\b{name}\b(?!\")", text)) < 2
    }

    assert not unread


def _settings_names() -> set[str]:
    tree = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    targets = [
        target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets
    ]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if name.isupper() and not name.startswith("_")}


@pytest.mark.parametrize("room", MIRRORED)
def test_every_module_of_the_pure_rooms_has_its_tests(room: str):
    modules = [path for path in python_files(room) if _does_something(path)]

    untested = [name_of(path) for path in modules if not _tests_of(path)]

    assert not untested


def _does_something(module: Path) -> bool:
    """Declarations alone (events, errors, configuration, interfaces) need no tests of their own."""
    if module.name in ("__init__.py", "exceptions.py"):
        return False
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(
        not isinstance(statement, ast.Expr | ast.Pass)
        for function in functions
        for statement in function.body
    )


def _tests_of(module: Path) -> list[Path]:
    """`net/retry.py` is tested by `tests/…/net/test_retry.py`, or by several `test_retry_*.py`."""
    folder = ROOT / "tests" / module.relative_to(ROOT).parent
    return [*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")]


def test_only_one_module_reads_the_environment():
    commands_of_the_demo = {
        "config/embedded.py",
        "config/management/commands/run_embedded.py",
        "conversations/management/commands/simulate.py",
    }
    readers = {
        name_of(path)
        for path in python_files("config", "conversations", "translation", "assist")
        if re.search(r"\bos\.(environ\[|environ\.get|getenv)", path.read_text(encoding="utf-8"))
    }

    assert readers - commands_of_the_demo == {"config/env.py"}


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "core", "misc", "manager"])
def test_no_module_is_named_after_nothing(word: str):
    modules = python_files("config", "conversations", "translation", "assist")

    named = [name_of(path) for path in modules if word in (path.stem, path.parent.name)]

    assert not named
