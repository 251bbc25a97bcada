"""What comes late of an erased guest, what was on its way, and what goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.genesys.events import (
    MessageCopied,
    MessageReceived,
    Participant,
)
from conversations.models import (
    Conversation,
    DeadLetterBody,
    Delivery,
    JournalEntry,
    Message,
    MessageText,
)
from conversations.services.copies import record_copies
from conversations.services.delivery import Confirm, Settle
from conversations.services.recording import record_events
from conversations.services.review import Decision, decide_deliveries
from conversations.services.unit import apply_changes
from tests.conversations import histories
from tests.conversations.services.erased import erase, event, fields

pytestmark = pytest.mark.django_db


def test_what_comes_late_of_before_is_not_stored_again():
    histories.conversation("conv-1", messages=1)
    erase()
    past = timezone.now() - timedelta(hours=1)

    recorded = record_events([event("Hola de nuevo", at=past, number=1)], stream="messaging")
    record_copies(
        [
            MessageCopied(
                conversation_id="conv-1",
                external_id="copy-1",
                origin="guest",
                sender_id="g",
                sender_name="Maria",
                text="una copia",
                sent_at=past,
            )
        ]
    )

    assert recorded.stored == 0
    assert not MessageText.objects.exists()
    assert Conversation.objects.get().guest_name == ""


def test_a_platform_whose_clock_is_behind_loses_no_message():
    histories.conversation("conv-1", messages=1)
    erasure = erase()

    histories.said("Sigo aquí", number=8, sent_at=erasure.requested_at - timedelta(seconds=4))

    assert [text.text for text in MessageText.objects.all()] == ["Sigo aquí"]


def test_an_unknown_conversation_of_before_is_not_begun():
    histories.conversation("conv-1", messages=1)
    erase()
    now = timezone.now()
    old = event("vieja", at=now - timedelta(days=2), number=1, conversation="conv-old")
    another = event("otra", at=now - timedelta(days=2), number=2, conversation="conv-other")
    another = MessageReceived(
        **fields(another) | {"sender": Participant("guest-9", "guest", "Anna")}
    )

    record_events([old, another], stream="messaging")

    assert not Conversation.objects.filter(external_id="conv-old").exists()
    assert [text.text for text in MessageText.objects.all()] == ["otra"]


@pytest.mark.parametrize(("before_s", "begun"), [(40, False), (4, True)])
def test_an_unknown_conversation_of_just_before_is_not_begun(before_s: int, begun: bool):
    """But for what a clock that is behind makes of one that is begun now."""
    histories.conversation("conv-1", messages=1)
    erasure = erase()
    at = erasure.requested_at - timedelta(seconds=before_s)

    record_events([event("nueva", at=at, number=1, conversation="conv-new")], stream="messaging")

    assert Conversation.objects.filter(external_id="conv-new").exists() == begun
    assert MessageText.objects.exists() == begun


def test_an_unknown_conversation_that_went_on_after_it_is_begun_with_what_was_said_then():
    histories.conversation("conv-1", messages=1)
    erasure = erase()
    times = [erasure.requested_at + timedelta(seconds=seconds) for seconds in (-90, 1)]

    record_events(
        [
            event(text, at=at, number=number, conversation="conv-new")
            for number, (text, at) in enumerate(zip(("antes", "luego"), times, strict=True))
        ],
        stream="messaging",
    )

    assert [text.text for text in MessageText.objects.all()] == ["luego"]


def test_a_conversation_goes_on_after_it():
    histories.conversation("conv-1", messages=1)
    erasure = erase()

    histories.said("Otra cosa", number=7, sent_at=erasure.requested_at + timedelta(seconds=5))

    conversation = Conversation.objects.get()
    assert conversation.guest_name == "Maria"
    assert [text.text for text in MessageText.objects.all()] == ["Otra cosa"]
    assert erase().messages == 1


def test_what_was_on_its_way_is_not_said_any_more_and_owes_no_attributes():
    waiting = histories.said("uno", number=1)
    sending = histories.said("dos", number=2)
    delivery = histories.translated(sending, "two")

    erase()

    waiting.refresh_from_db()
    assert (waiting.translation_state, waiting.translation_reason) == ("failed", "erased")
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.DROPPED
    confirm = Confirm(delivery.conversation_id, sending.pk, "", by="answer", external_id="x")
    apply_changes([confirm], actor="worker")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attributes_state) == ("confirmed", "")
    echo = MessageReceived(
        **fields(event("two", at=datetime.now(UTC), number=1)) | {"external_id": "x"}
    )
    record_events([echo], stream="messaging")
    assert Message.objects.get(origin="injected").sender_name == ""


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (Delivery.State.AMBIGUOUS, ("timeout",)),
        (Delivery.State.FAILED, ("status 422", 422, '{"text": "two"}')),
    ],
)
def test_a_sending_that_ends_after_it_changes_nothing(state: Delivery.State, answer: Any):
    """Else it would be found absent, and said again."""
    message = histories.said("dos")
    delivery = histories.translated(message, "two")
    erase()
    entries = JournalEntry.objects.count()

    settled = Settle(delivery.conversation_id, message.pk, "", state, *answer)
    (status,) = apply_changes([settled], actor="worker").results

    delivery.refresh_from_db()
    assert status.state == delivery.state == Delivery.State.DROPPED
    assert JournalEntry.objects.count() == entries
    assert not DeadLetterBody.objects.exists()


def test_nobody_sends_again_what_is_erased():
    message = histories.said("dos")
    delivery = histories.translated(message, "two")
    erase()
    Delivery.objects.update(state=Delivery.State.REVIEW)

    (outcome,) = decide_deliveries(
        {delivery.pk: delivery.attempts},
        Decision.SEND_AGAIN,
        user=histories.user("sam", "supervisor"),
    )

    delivery.refresh_from_db()
    assert not outcome.is_done
    assert outcome.words == "conv-1, message 1: not done. Its text has been erased."
    assert delivery.state == Delivery.State.REVIEW
