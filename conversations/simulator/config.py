"""What a simulator is told at start. Values only; nothing here reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Durations are in the unit of the name; `port=0` takes a spare port."""

    host: str = "127.0.0.1"
    port: int = 0
    # OAuth
    client_id: str = "demo-client"
    client_secret: str = "demo-secret"  # noqa: S105  the demo's own, known to everybody
    token_life_s: int = 3600
    enforce_scopes: bool = True
    # Platform
    ids_in_events: bool = True
    ids_in_answers: bool = True
    answer_status: int = 200  # protocol §1: 200, 201 or 202
    text_limit: int | None = None  # a posted text of more characters is refused with 413
    echo_ms: float = 20.0
    silent_s: float = 60.0  # an org socket that sends nothing for so long is closed
    transcript_ms: float = 15.0  # after the org socket; 0: before it
    transcript_ids: bool = True  # whether its copies carry the messages' ids
    close_expired: bool = False  # drop an org socket (1006) when its token expires
    # A guest's socket
    webchat_agent_id: str = "agent-1"  # who is given those who come by web chat
    webchat_history: bool = True  # the acknowledgement tells what was said before
    upload_life_s: float = 300.0  # of an address to upload to
    stored_bytes: int = 64 << 20  # of all attachments together; the oldest go first
    # Translation service
    translation_key: str | None = None  # None: any key that is not empty
    provider_ms: float = 0.0
    quota_characters: int | None = None
    target_language: str = "EN-US"
    apertium: bool = True
    # Calls and their transcription
    call_limit: int = 10  # transcription sockets at once
    call_silent_s: float = 30.0  # one that sends nothing for so long is closed (protocol §4)
    knowledge_ms: float = 40.0
    knowledge_key: str | None = None  # None: any
    play_calls: bool = True  # an interaction that is subscribed to plays a script, again and again
    # Analytics
    analytics_per_minute: int = 300
    analytics_delay_s: float = 5.0  # a conversation is known there so long after its first message
    # What plays by itself
    scenario: str | None = None
    speed: float = 1.0
    conversations: int | None = None  # at once; None: what the scenario says
    faults: tuple[Mapping[str, Any], ...] = ()
    # Bounds
    ledger_limit: int = 400_000
    conversation_limit: int = 20_000
    socket_queue_limit: int = 50_000
