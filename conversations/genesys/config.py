"""What the platform's client has to be told, already resolved: it never reads a setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class GenesysConfig:
    """Addresses are complete, as protocol.md's table of settings resolves them."""

    client_id: str
    client_secret: str = field(repr=False)
    oauth_url: str
    oauth_style: Literal["basic", "form"]
    scopes: str
    api_url: str
    messaging_socket_url: str
    # With {conversation_id} in it.
    transcript_socket_url: str = ""
    transcription_socket_url: str = ""
    typing_socket_url: str = ""  # with {conversation_id} in it
