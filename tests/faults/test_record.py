"""What the judge is told of our database is what the services wrote there."""

from __future__ import annotations

import pytest

from conversations.models import Delivery
from tests.conversations.histories import conversation, left_in, said, tamper, translated
from tests.faults.record import is_quiet, read_record

pytestmark = pytest.mark.django_db


def test_a_delivered_message_is_told_with_everything_that_was_journaled():
    conversation("conv-1", messages=1)

    record = read_record()

    [message], [delivery] = record.messages, record.deliveries
    assert (message.external_id, message.origin) == ("conv-1-guest-1", "guest")
    assert message.at_its_seq == "received"
    assert message.kinds["received"] == message.kinds["translated"] == 1
    assert (delivery.source_id, delivery.state) == ("conv-1-guest-1", "confirmed")
    assert (delivery.original, delivery.translated) == ("Hola 1", "Hello 1")
    assert (delivery.attempts, delivery.kinds["sending"]) == (1, 1)
    assert (delivery.attributes_state, delivery.attributes_written) == ("written", 1)
    assert record.broken_chains == []
    assert is_quiet(spoken=1)


def test_what_is_under_review_says_since_when():
    message = said("Hola")
    translated(message, "Hello")
    left_in(message, Delivery.State.REVIEW, reason="nothing shows it")

    [delivery] = read_record().deliveries

    assert delivery.state == "review"
    assert delivery.review_at is not None
    assert delivery.sending_at is not None
    assert delivery.sending_at <= delivery.review_at


def test_a_journal_that_does_not_hold_is_told():
    conversation("conv-1", messages=1)
    tamper("UPDATE conversations_journalentry SET actor = 'somebody' WHERE seq = 2")

    assert read_record().broken_chains == ["changed: conversation conv-1, entry 2"]


def test_it_is_not_quiet_while_something_is_to_be_done():
    said("Hola")

    assert not is_quiet(spoken=1)


def test_it_is_not_quiet_before_everything_that_was_said_is_stored():
    conversation("conv-1", messages=1)

    assert not is_quiet(spoken=2)
