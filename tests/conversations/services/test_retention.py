"""What has been kept long enough goes, and nothing else; a legal hold keeps it (S20, S21, E12)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.genesys.events import Attachment, MessageReceived, Participant
from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetter,
    DeadLetterBody,
    JournalEntry,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.net import faultpoints
from conversations.services import retention
from conversations.services.holds import lift_holds, place_holds
from conversations.services.recording import record_events
from conversations.services.retention import remove_due
from conversations.services.verification import verify_journal
from tests.conversations import histories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def aged(conversation: str, *, days: float, messages: int = 2) -> Conversation:
    """A conversation that was held so many days ago."""
    made = histories.conversation(conversation, messages=messages)
    moment = timezone.now() - timedelta(days=days)
    Message.objects.filter(conversation=made).update(received_at=moment, sent_at=moment)
    Conversation.objects.filter(pk=made.pk).update(last_event_at=moment)
    return made


def texts_of(conversation: str) -> int:
    return MessageText.objects.filter(message__conversation__external_id=conversation).count()


def tombstones(conversation: str) -> list[dict[str, Any]]:
    rows = JournalEntry.objects.filter(
        conversation__external_id=conversation, kind=JournalEntry.Kind.ERASED
    )
    return [json.loads(row.data) for row in rows.order_by("seq")]


def test_what_is_due_goes_with_one_tombstone_and_the_rest_stays(now: datetime, settings):
    settings.RETAIN_TEXTS_DAYS = 90
    aged("conv-old", days=90.1)
    aged("conv-young", days=89.9)
    audits, entries = AttributeAudit.objects.count(), JournalEntry.objects.count()

    counts = remove_due(now=now)

    assert (texts_of("conv-old"), texts_of("conv-young")) == (0, 4)
    assert (counts["texts"], counts["messages"]) == (4, 2)
    (stone,) = tombstones("conv-old")
    assert stone == {"by": "retention", "messages": 2, "first": 1, "last": 6}
    assert tombstones("conv-young") == []
    assert AttributeAudit.objects.count() == audits
    assert JournalEntry.objects.count() == entries + 1
    old = Conversation.objects.get(external_id="conv-old")
    assert (old.guest_name, old.guest_id) == ("", "guest-1")
    assert set(Message.objects.filter(conversation=old).values_list("sender_name")) == {("",)}
    assert verify_journal().holds


def test_a_guest_who_still_writes_keeps_their_name(now: datetime):
    going_on = aged("conv-1", days=100)
    histories.said("Aquí sigo", conversation="conv-1", number=9)

    remove_due(now=now)

    going_on.refresh_from_db()
    assert (going_on.guest_name, texts_of("conv-1")) == ("Maria", 1)


def test_a_second_run_finds_nothing(now: datetime):
    aged("conv-old", days=100)
    remove_due(now=now)
    before = JournalEntry.objects.count()

    counts = remove_due(now=now)

    assert sum(counts.values()) == 0
    assert JournalEntry.objects.count() == before


def test_a_hold_keeps_it_until_it_is_lifted(now: datetime):
    held = aged("conv-held", days=400)
    aged("conv-old", days=300)
    user = histories.user("cora", "compliance")
    place_holds([held.pk], user=user, reason="case 12")

    remove_due(now=now)
    assert (texts_of("conv-held"), texts_of("conv-old")) == (4, 0)

    lift_holds([held.holds.get().pk], user=user, reason="closed")
    remove_due(now=now)
    assert texts_of("conv-held") == 0


def test_over_seven_years_exactly_what_is_due_goes_each_month_and_holds_stay(now: datetime):
    years = range(7)
    for year in years:
        aged(f"conv-{year}", days=-365 * year, messages=1)
    held = Conversation.objects.get(external_id="conv-2")
    place_holds([held.pk], user=histories.user("cora"), reason="case 12")

    for day in range(0, 7 * 365, 30):
        remove_due(now=now + day * DAY)

        kept = {year for year in years if texts_of(f"conv-{year}")}
        assert kept == {year for year in years if year == 2 or day - 365 * year <= 90}
    assert [len(tombstones(f"conv-{year}")) for year in years] == [1, 1, 0, 1, 1, 1, 1]
    assert verify_journal().holds


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_is_killed_is_gone_on_from(
    nth: int, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "BATCH", 4)
    for number in range(3):
        aged(f"conv-{number}", days=100)

    faultpoints.arm(f"K13:{nth}:raise")
    try:
        with pytest.raises(faultpoints.FaultRaised):
            remove_due(now=now)
    finally:
        faultpoints.disarm()
    assert MessageText.objects.count() == 12 - 4 * (nth - 1)
    assert len([s for n in range(3) for s in tombstones(f"conv-{n}")]) == nth - 1

    remove_due(now=now)

    assert MessageText.objects.count() == 0
    assert [len(tombstones(f"conv-{number}")) for number in range(3)] == [1, 1, 1]
    assert verify_journal().holds


def test_a_run_stops_when_its_time_is_used_up(now: datetime):
    aged("conv-old", days=100)

    counts = remove_due(now=now, for_s=-1)

    assert counts == {"unfinished": 1}
    assert texts_of("conv-old") == 4


def test_files_have_a_period_of_their_own(now: datetime, settings):
    settings.RETAIN_FILES_DAYS = 10
    file = Attachment(id="f", name="maria.pdf", content_type="", size=1, url="https://x")
    said = MessageReceived(
        conversation_id="conv-1",
        external_id="m-1",
        sender=Participant("guest-1", "guest", "Maria"),
        recipient=None,
        text="mira",
        sent_at=now,
        attachments=(file,),
        raw={},
    )
    record_events([said], stream="messaging")
    Message.objects.update(received_at=now - 11 * DAY)

    remove_due(now=now)

    assert not MessageAttachment.objects.exists()
    assert texts_of("conv-1") == 1
    assert [stone["what"] for stone in tombstones("conv-1")] == ["files"]


def test_what_dead_letters_hold_has_a_period_of_its_own(now: datetime, settings):
    settings.RETAIN_EXTRACTS_DAYS = 10
    histories.not_understood(b"old")
    DeadLetter.objects.update(created_at=now - 11 * DAY)
    histories.not_understood(b"young")

    counts = remove_due(now=now)

    assert counts["extracts"] == 1
    assert [bytes(row.body) for row in DeadLetterBody.objects.all()] == [b"young"]
    assert DeadLetter.objects.count() == 2


def test_a_period_of_zero_days_keeps_for_ever(now: datetime, settings):
    settings.RETAIN_TEXTS_DAYS = settings.RETAIN_FILES_DAYS = settings.RETAIN_EXTRACTS_DAYS = 0
    aged("conv-old", days=4000)

    assert sum(remove_due(now=now).values()) == 0
