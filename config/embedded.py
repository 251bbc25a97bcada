"""Embedded mode's environment: keys made at first start and kept beside the database.

Runs before the settings are read. It only gives values to settings that are not set: two modes
by settings alone.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

HOME = Path(os.environ.get("PARLEY_HOME") or Path(__file__).resolve().parent.parent / "var")
_KEPT = HOME / "embedded.env"
_ADDRESSES = HOME / "addresses.env"  # of the demo as it last ran
AGENT_ID = "agent-tombaker"  # of the demo's agent: two scenarios, the guest page and a call are his
_MADE: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(36),
    "FIELD_KEY": lambda: secrets.token_urlsafe(36),
    "JOURNAL_KEY": lambda: secrets.token_urlsafe(36),
    "JOURNAL_SIGNING_KEY": lambda: secrets.token_hex(32),
    "DEMO_PASSWORD": lambda: secrets.token_hex(4),
}


def load_kept() -> None:
    """Let every command speak to the demo where nothing else is configured."""
    if "SECRET_KEY" in os.environ or "SECRET_KEY_FILE" in os.environ or not _KEPT.exists():
        return
    _read(_KEPT)
    if _ADDRESSES.exists():
        _read(_ADDRESSES)
    _set_defaults()


def _read(file: Path) -> None:
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name:
            os.environ.setdefault(name, value)


def prepare(*, port: int, simulator_port: int) -> int:
    """Make what is missing at the first start; returns the simulator's port."""
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_missing()
    _read(_KEPT)
    _set_defaults()
    simulator_port = simulator_port if is_free(simulator_port) else _spare_port()
    base = f"http://127.0.0.1:{simulator_port}"
    at = "" if port == 80 else f":{port}"  # as a browser writes it
    origins = f"http://localhost{at} http://127.0.0.1{at}"
    addresses = (
        ("ALLOWED_ORIGINS", origins),
        ("GENESYS_CLIENT_ID", "demo-client"),
        ("GENESYS_CLIENT_SECRET", "demo-secret"),
        ("GENESYS_API_URL", base),
        ("GENESYS_OAUTH_URL", f"{base}/oauth/token"),
        (
            "GENESYS_MESSAGING_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/api/v2/conversations/messaging/websocket",
        ),
        (
            "GENESYS_TRANSCRIPT_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/api/v2/messaging/conversations/{{conversation_id}}"
            "/transcript",
        ),
        ("TRANSCRIPT_STREAMS", "all"),  # the ends of conversations are told nowhere else
        (
            "GENESYS_TYPING_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/v1/conversations/{{conversation_id}}/websocket",
        ),
        ("GENESYS_WEBCHAT_SOCKET_URL", f"ws://127.0.0.1:{simulator_port}/webchat/v1"),
        ("SIMULATOR_PAGE", "true"),
        ("TRANSLATION_API_URL", f"{base}/v2/translate"),
        ("TRANSLATION_API_KEY", "demo-key"),
        (
            "GENESYS_TRANSCRIPTION_SOCKET_URL",
            f"ws://127.0.0.1:{simulator_port}/api/v2/analytics/conversations/transcriptions",
        ),
        ("KNOWLEDGE_API_URL", f"{base}/knowledge/query"),
        ("KNOWLEDGE_API_KEY", "demo-key"),
        ("ASSIST_INTERACTIONS", f"call-hotel-en={AGENT_ID} call-factura-es"),
    )
    for name, value in addresses:
        os.environ.setdefault(name, value)
    _write_private(_ADDRESSES, [f"{name}={os.environ[name]}" for name, _ in addresses])
    return simulator_port


def _set_defaults() -> None:
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{HOME / 'parley.sqlite3'}")
    os.environ.setdefault("JOURNAL_ANCHOR_FILE", str(HOME / "anchors.jsonl"))
    os.environ.setdefault("EXPORT_FOLDER", str(HOME / "exports"))
    os.environ.setdefault("HTTPS", "false")


def _make_missing() -> None:
    """What an earlier version has made is kept."""
    kept = _KEPT.read_text(encoding="utf-8").splitlines() if _KEPT.exists() else []
    there = {line.partition("=")[0] for line in kept}
    made = [f"{name}={make()}" for name, make in _MADE.items() if name not in there]
    if made:
        _write_private(_KEPT, [*kept, *made])


def _write_private(file: Path, lines: list[str]) -> None:
    unfinished = file.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    unfinished.rename(file)  # all of it or nothing, whenever Ctrl-C comes


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
