"""Figures of agents for tests: conversations with messages, keystrokes and what comes of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from assist.engagement.typed import Typed
from assist.models import Interaction
from assist.services.measuring import measure
from assist.services.typing import add_typed
from conversations.genesys.events import MessageReceived, Participant
from conversations.models import Conversation
from conversations.services.recording import record_events

AGENTS = ("agent-anna", "agent-ben", "agent-chiara", "agent-דנה")
_DAYS = 5


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


def a_fortnight() -> None:
    """Each agent with a conversation on most days; figures that go up and down."""
    today = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0)
    for day in range(_DAYS):
        for place, agent_id in enumerate(AGENTS):
            if (day + place) % 4 == 3:
                continue
            start = today - timedelta(days=_DAYS - 1 - day, minutes=20 * place)
            wait_s = 15 + 9 * place + 5 * ((day * 3 + place) % 5)
            lines = (("guest", 0), (agent_id, wait_s), ("guest", 60), (agent_id, 75 + 6 * day))
            conversation = talk(f"conv-{day}-{place}", *lines, start=start)
            keystrokes, active_s = 180 + 40 * place + 15 * day, 40 + 3 * day
            type_in(
                conversation,
                agent_id,
                keystrokes=keystrokes,
                start=start,
                active_s=active_s,
                pause_s=90,
            )
            state = list(Interaction.State)[(day + 2 * place) % 4]
            is_known = state in (Interaction.State.KNOWN, Interaction.State.RUNNING)
            has_ended = state == Interaction.State.KNOWN
            Interaction.objects.create(
                conversation=conversation,
                since=start,
                ask_at=start,
                state=state,
                started_at=start if is_known else None,
                ended_at=start + timedelta(minutes=9) if has_ended else None,
                channel_type="webchat" if is_known else "",
                reason="" if is_known else "not known there yet",
            )
