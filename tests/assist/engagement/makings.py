"""Figures of agents for tests: conversations with messages, keystrokes and what comes of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from assist.engagement.typed import Typed
from assist.services.measuring import measure
from assist.services.typing import add_typed
from conversations.genesys.events import MessageReceived, Participant
from conversations.models import Conversation
from conversations.services.recording import record_events


def talk(name: str, *lines: tuple[str, float], start: datetime) -> Conversation:
    """(who: "guest" or an agent's id, seconds after `start`), measured as the schedule does."""
    events = [
        MessageReceived(
            conversation_id=name,
            external_id=f"{name}-{number}",
            sender=Participant(who, "guest" if who == "guest" else "agent", who.title()),
            recipient=None,
            text=f"line {number}",
            sent_at=start + timedelta(seconds=second),
            raw={},
        )
        for number, (who, second) in enumerate(lines)
    ]
    record_events(events, stream="messaging")
    conversation = Conversation.objects.get(external_id=name)
    measure([conversation.pk], now=start)
    return conversation


def type_in(
    conversation: Conversation,
    agent_id: str,
    *,
    keystrokes: int,
    start: datetime,
    active_s: float = 10.0,
    pause_s: float = 0.0,
) -> None:
    """A burst of `active_s`, then, after a pause, one last key."""
    end = start + timedelta(seconds=active_s)
    active_ms = int(active_s * 1000)
    typed = Typed(start, end, keystrokes, active_ms=active_ms, duration_ms=active_ms)
    if pause_s:
        typed = typed.then(Typed.reported(1, end + timedelta(seconds=pause_s)))
    writer = f"{conversation.pk}-{agent_id}-{start.isoformat()}"[:64]
    add_typed({(conversation.pk, agent_id, start.date()): typed}, writer=writer, number=1)
