"""What becomes of a translation: delivered, passed through, failed, or too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import Conversation, DeadLetter, Delivery, Message, MessageText
from conversations.services.journal import commitment
from tests.conversations.services.wire import apply, assert_journal_holds, kinds, recorded
from tests.translation.makings import made
from translation.models import Translation
from translation.services import FailTranslation, PassThrough, RecordTranslation

pytestmark = pytest.mark.django_db


def record(message: Message, *, start: bool = True) -> RecordTranslation:
    return RecordTranslation(message.conversation_id, message.pk, "", made(), start)


def grown_old(message: Message, seconds: int) -> Message:
    Message.objects.filter(pk=message.pk).update(
        received_at=message.received_at - timedelta(seconds=seconds),
        sent_at=message.sent_at - timedelta(seconds=seconds),
    )
    message.refresh_from_db()
    return message


def test_a_translation_keeps_its_facts_its_text_and_its_proof():
    message = recorded()

    apply(record(message))

    facts, text = Translation.objects.get(), MessageText.objects.get(role="translated")
    message.refresh_from_db()
    assert (facts.provider, facts.source_language, facts.target_language, facts.latency_ms) == (
        "deepl",
        "es",
        "en-US",
        84,
    )
    assert (text.text, text.language) == ("Hello", "en-US")
    entry = message.journal.get(kind="translated")
    assert entry.commitment == commitment(bytes(text.salt), "Hello")
    assert message.translation_state == "translated"
    assert Conversation.objects.get().guest_language == "es"
    assert_journal_holds()


@pytest.mark.parametrize(("start", "state"), [(True, "sending"), (False, "queued")])
def test_at_the_head_it_goes_out_at_once_else_it_waits_its_turn(start: bool, state: str):
    (status,) = apply(record(recorded(), start=start))

    assert status.state == state


@pytest.mark.parametrize("together", [True, False], ids=["one commit", "two commits"])
def test_a_translation_recorded_twice_is_one_delivery(together: bool):
    change = record(recorded())

    results = apply(change, change) if together else [*apply(change), *apply(change)]

    assert results[0] == results[1]
    assert Delivery.objects.count() == Translation.objects.count() == 1
    assert_journal_holds()


def test_what_needs_no_translation_is_passed_through_and_never_delivered():
    message = recorded("Hello")
    change = PassThrough(message.conversation_id, message.pk, "", made("Hello", language="en"))

    results = [*apply(change), *apply(change)]

    message.refresh_from_db()
    assert results == [True, False]
    assert message.translation_state == "passed_through"
    assert not Delivery.objects.exists()
    assert not MessageText.objects.filter(role="translated").exists()
    assert kinds(message) == ["received", "passed_through"]
    assert_journal_holds()


def test_a_text_that_is_refused_for_good_is_a_dead_letter_once():
    message = recorded()
    change = FailTranslation(message.conversation_id, message.pk, "", "text refused")

    results = [*apply(change), *apply(change)]

    message.refresh_from_db()
    assert results == [True, False]
    assert (message.translation_state, message.translation_reason) == ("failed", "text refused")
    assert DeadLetter.objects.get().kind == "translation"
    assert_journal_holds()


def test_a_late_translation_after_passing_through_changes_nothing():
    message = recorded()
    apply(PassThrough(message.conversation_id, message.pk, "", made(language="en")))

    (status,) = apply(record(message))

    assert status.state == ""
    assert not Delivery.objects.exists()


# --- nothing old is delivered by itself (protocol §1, DELIVERY_TTL_S) ----------------------------


def test_what_was_too_old_when_it_reached_us_has_expired():
    message = recorded(sent_at=datetime.now(UTC) - timedelta(seconds=121), backfilled=True)

    (status,) = apply(record(message))

    delivery = Delivery.objects.get()
    assert (status.state, delivery.attempts) == ("expired", 0)
    assert "when received" in delivery.reason


def test_what_grew_too_old_here_is_put_before_a_person():
    message = grown_old(recorded(), 121)

    (status,) = apply(record(message))

    assert status.state == "review"
    assert kinds(message) == ["received", "translated", "review"]


def test_a_backfilled_message_within_its_time_is_delivered_like_a_live_one():
    message = recorded(sent_at=datetime.now(UTC) - timedelta(seconds=60), backfilled=True)

    (status,) = apply(record(message))

    assert status.state == "sending"


def test_a_wrong_clock_of_the_platform_does_not_expire_live_messages():
    message = recorded(sent_at=datetime.now(UTC) - timedelta(hours=2))

    (status,) = apply(record(message))

    assert status.state == "sending"


def test_the_time_to_live_is_a_setting(settings):
    settings.DELIVERY_TTL_S = 600
    message = grown_old(recorded(), 300)

    (status,) = apply(record(message))

    assert status.state == "sending"
