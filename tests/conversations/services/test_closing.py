"""A conversation that has been silent for a day is closed (protocol §1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import Conversation, JournalEntry
from conversations.services import closing
from conversations.services.closing import close_idle_conversations
from tests.conversations.services.wire import (
    AGENT,
    assert_journal_holds,
    event,
    record,
)

pytestmark = pytest.mark.django_db


def silent_since(hours: float, *, conversation: str = "conv-1", sender=AGENT) -> Conversation:
    moment = datetime.now(UTC) - timedelta(hours=hours)
    record(event("Bye", sent_at=moment, conversation=conversation, sender=sender))
    Conversation.objects.filter(external_id=conversation).update(last_event_at=moment)
    return Conversation.objects.get(external_id=conversation)


def test_a_silent_conversation_is_closed_and_journaled_once():
    conversation = silent_since(25)

    closed = [close_idle_conversations(), close_idle_conversations()]

    conversation.refresh_from_db()
    assert closed == [1, 0]
    assert (conversation.state, conversation.closed_at is not None) == ("closed", True)
    assert JournalEntry.objects.get(kind="closed").actor == "schedule"
    assert_journal_holds()


def test_a_conversation_within_its_hours_stays_open():
    silent_since(23)

    assert close_idle_conversations() == 0


def test_the_hours_are_a_setting(settings):
    settings.CONVERSATION_IDLE_CLOSE_H = 2
    silent_since(3)

    assert close_idle_conversations() == 1


def test_a_conversation_with_work_is_not_closed():
    conversation = silent_since(25)
    Conversation.objects.update(work_at=datetime.now(UTC))

    assert close_idle_conversations() == 0
    conversation.refresh_from_db()
    assert conversation.state == "open"


def test_more_than_a_batch_is_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(closing, "_BATCH", 2)
    for number in range(5):
        silent_since(25, conversation=f"conv-{number}")

    assert close_idle_conversations() == 5
