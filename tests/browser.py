"""Which Chromium the browser tests drive, and how: the machine's, Debian's, or Playwright's own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_WITHIN_S = 900
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
]


class BrowserUnavailable(RuntimeError):
    """No Chromium can be had; the text is one line for a person."""


def on_this_machine() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def ensure_chromium() -> str | None:
    """The path of a Chromium; None means Playwright's own, which is then installed."""
    with (Path(tempfile.gettempdir()) / "parley-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process installs, the others find it
        return _ensure_chromium()


def _ensure_chromium() -> str | None:
    found = on_this_machine()
    if found or _is_downloaded():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
        found = on_this_machine()
        if found:
            return found
    if _run(sys.executable, "-m", "playwright", "install", "chromium"):
        return None
    raise BrowserUnavailable("Chromium: install the package chromium, or allow its download")


def launch_arguments(executable: str | None) -> dict[str, Any]:
    arguments: dict[str, Any] = {"args": list(ARGUMENTS)}
    if os.geteuid() == 0:
        arguments["args"].append("--no-sandbox")  # Chromium's sandbox refuses root
    if executable:
        arguments["executable_path"] = executable
    return arguments


def _is_downloaded() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return os.access(playwright.chromium.executable_path, os.X_OK)


def _run(*command: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        answer = subprocess.run(  # noqa: S603 - commands named above
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            timeout=INSTALL_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
