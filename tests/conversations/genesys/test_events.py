"""Events do not show what a guest said: an event in a log line is harmless."""

from __future__ import annotations

from conversations.genesys.events import Malformed, MessageReceived, Participant
from tests.conversations.genesys.fakes import NOW


def test_no_event_shows_text_or_raw_bytes() -> None:
    guest = Participant("g", "guest")
    message = MessageReceived("c", None, guest, None, "CANARY", NOW, {"text": "CANARY"})

    assert "CANARY" not in repr(message)
    assert "CANARY" not in repr(Malformed(b"CANARY", "not JSON", 6))
