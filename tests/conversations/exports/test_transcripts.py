"""Every row of a transcript holds what is known, under the promised names and in their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.exports.base import TRANSCRIPT_COLUMNS, Scope
from conversations.exports.transcripts import transcript_rows
from conversations.models import Delivery, JournalEntry, Message
from tests.conversations import histories

pytestmark = pytest.mark.django_db


def rows(**scope) -> list[dict]:
    return [dict(row) for row in transcript_rows(Scope(**scope))]


def test_a_row_has_the_promised_columns_in_their_order():
    histories.said("Hola")

    assert tuple(rows()[0]) == TRANSCRIPT_COLUMNS


def test_a_delivered_message_tells_its_whole_way():
    histories.conversation(messages=2)

    first, second = rows()

    message = Message.objects.order_by("seq").last()
    assert second["conversation_id"] == "conv-1"
    assert second["direction"] == "guest_to_agent"
    assert (second["sender_type"], second["sender_name"]) == ("guest", "Maria")
    assert (second["original_text"], second["original_language"]) == ("Hola 2", "es")
    assert (second["translated_text"], second["target_language"]) == ("Hello 2", "en-US")
    assert (second["delivered_text"], second["delivery_state"]) == ("Hello 2", "confirmed")
    assert second["delivered_at"] == message.delivery.confirmed_at.isoformat(
        timespec="microseconds"
    )
    assert (second["provider"], second["provider_latency_ms"]) == ("deepl", 84)
    assert second["from_memory"] is False
    assert first["attributes_before"] is None
    assert second["attributes_before"] == first["attributes_after"]
    assert second["attributes_after"]["originalText"] == "Hola 2"
    assert second["attributes_after"]["originalLanguage"] == "ES"
    assert second["attributes_after"]["translationTimestamp"].endswith("Z")
    received = JournalEntry.objects.get(message=message, kind="received")
    assert second["journal_digest"] == received.digest


def test_what_is_not_known_is_null_and_never_empty():
    histories.said("Hello Maria", by="agent")

    (row,) = rows()

    assert row["direction"] == "agent_to_guest"
    assert (row["attachments"], row["redactions"]) == ([], [])
    for column in (
        "translated_text",
        "delivered_text",
        "delivery_state",
        "delivered_at",
        "provider",
        "from_memory",
        "attributes_after",
        "erased_at",
    ):
        assert row[column] is None


def test_a_text_that_may_not_have_arrived_is_not_called_delivered():
    message = histories.said("Hola")
    histories.translated(message, "Hello")
    histories.left_in(message, Delivery.State.AMBIGUOUS, reason="timeout")

    (row,) = rows()

    assert (row["delivery_state"], row["delivered_text"]) == ("ambiguous", None)


def test_a_message_in_the_agents_language_names_who_found_that():
    histories.passed_through(histories.said("Thanks"))

    (row,) = rows()

    assert (row["original_language"], row["provider"]) == ("en", "deepl")
    assert row["translated_text"] is None


def test_the_echo_of_a_delivery_is_no_row():
    message = histories.said("Hola")
    histories.translated(message, "Hello")
    histories.said("Hello", number=2)

    assert [row["original_text"] for row in rows()] == ["Hola"]


def test_an_erased_text_is_null_and_the_row_stays():
    histories.conversation(messages=1)
    histories.tamper("UPDATE conversations_attributeaudit SET text_id = NULL")
    histories.tamper("DELETE FROM conversations_messagetext")

    (row,) = rows()

    assert (row["original_text"], row["translated_text"]) == (None, None)
    assert row["attributes_after"]["originalText"] is None
    assert row["original_language"] == "es"


def test_times_have_an_offset_and_microseconds():
    moment = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
    histories.said("Hola", sent_at=moment)

    assert rows()[0]["sent_at"] == "2024-06-15T10:30:00.000000+00:00"


def test_the_scope_limits_by_conversation_and_time_of_receipt():
    histories.said("one", conversation="conv-1")
    message = histories.said("two", conversation="conv-2")
    at = message.received_at

    assert [row["original_text"] for row in rows(conversation="conv-2")] == ["two"]
    assert [row["original_text"] for row in rows(since=at)] == ["two"]
    assert [row["original_text"] for row in rows(until=at)] == ["one"]
    assert rows(since=at + timedelta(seconds=1)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pages_neither_lose_nor_repeat_a_row(size: int):
    histories.conversation("conv-1", messages=3)
    histories.conversation("conv-2", messages=2)

    found = [(row["conversation_id"], row["seq"]) for row in transcript_rows(Scope(), page=size)]

    assert found == sorted(set(found))
    assert len(found) == 5


def test_a_page_costs_the_same_queries_however_many_rows_it_has():
    histories.conversation("conv-1", messages=1)
    with CaptureQueriesContext(connection) as few:
        rows()
    histories.conversation("conv-2", messages=4)
    with CaptureQueriesContext(connection) as many:
        rows()

    assert len(few) == len(many)
