"""Embedded mode's environment: keys made at first start and kept beside the database.

Runs before the settings are read. It only gives values to settings that are not set: two modes
by settings alone.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

HOME = Path(os.environ.get("PARLEY_HOME") or Path(__file__).resolve().parent.parent / "var")
_KEPT = HOME / "embedded.env"
_MADE = ("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY", "DEMO_PASSWORD")


def load_kept() -> None:
    """Let every command speak to the demo's database where nothing else is configured."""
    if "SECRET_KEY" in os.environ or "SECRET_KEY_FILE" in os.environ or not _KEPT.exists():
        return
    _read_kept()
    _set_defaults()


def _read_kept() -> None:
    for line in _KEPT.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name:
            os.environ.setdefault(name, value)


def prepare(*, port: int, simulator_port: int) -> int:
    """Make what is missing at the first start; returns the simulator's port."""
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _KEPT.exists():
        _write_kept()
    _read_kept()
    _set_defaults()
    simulator_port = simulator_port if is_free(simulator_port) else _spare_port()
    base = f"http://127.0.0.1:{simulator_port}"
    origins = f"http://localhost:{port} http://127.0.0.1:{port}"
    for name, value in (
        ("ALLOWED_ORIGINS", origins),
        ("GENESYS_CLIENT_ID", "demo-client"),
        ("GENESYS_CLIENT_SECRET", "demo-secret"),
        ("GENESYS_API_URL", base),
        ("GENESYS_OAUTH_URL", f"{base}/oauth/token"),
        (
            "GENESYS_MESSAGING_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/api/v2/conversations/messaging/websocket",
        ),
        ("TRANSLATION_API_URL", f"{base}/v2/translate"),
        ("TRANSLATION_API_KEY", "demo-key"),
        (
            "GENESYS_TRANSCRIPTION_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/api/v2/analytics/conversations/transcriptions",
        ),
        ("KNOWLEDGE_API_URL", f"{base}/knowledge/query"),
        ("KNOWLEDGE_API_KEY", "demo-key"),
        ("ASSIST_INTERACTIONS", "call-hotel-en=agent-1 call-factura-es"),
    ):
        os.environ.setdefault(name, value)
    return simulator_port


def _set_defaults() -> None:
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{HOME / 'parley.sqlite3'}")
    os.environ.setdefault("HTTPS", "false")


def _write_kept() -> None:
    lines = [f"{name}={secrets.token_urlsafe(36)}" for name in _MADE[:-1]]
    lines.append(f"{_MADE[-1]}={secrets.token_hex(4)}")
    unfinished = _KEPT.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    unfinished.rename(_KEPT)  # all of it or nothing, whenever Ctrl-C comes


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
