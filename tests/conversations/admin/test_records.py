"""Record pages: side by side, escaped, and fast on big tables."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.admin import records
from conversations.models import AttributeAudit, Conversation, DeadLetter, JournalEntry, Message
from conversations.models.dead_letter import BODY_LIMIT, readable
from conversations.services.replies import Reply
from tests.conversations import histories
from tests.conversations.services.wire import parsed, record
from tests.translation.makings import made
from translation.replies import Previewed, send_reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def cora(client):
    client.force_login(histories.user("cora", "compliance"))
    return client


def page(client, name: str, record=None, query: str = "") -> str:
    address = (
        reverse(f"admin:conversations_{name}_change", args=[record.pk])
        if record
        else reverse(f"admin:conversations_{name}_changelist") + query
    )
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_conversation_shows_original_and_translation_and_that_its_chain_holds(cora):
    conversation = histories.conversation()

    text = page(cora, "conversation", conversation)

    assert "Hola 3" in text
    assert "Hello 3" in text
    assert "chain verified" in text
    assert "as translated" in text


def test_a_changed_entry_shows_as_tampering(cora):
    conversation = histories.conversation()
    entry = JournalEntry.objects.get(seq=4)

    histories.tamper("UPDATE conversations_journalentry SET actor='me' WHERE id=%s", [entry.pk])

    text = page(cora, "conversation", conversation)
    assert "tampering detected" in text
    assert "chain verified" not in text
    assert "changed, first at entry 4" in text


def test_what_a_guest_writes_stays_text(cora):
    message = histories.said("<script>alert(1)</script>")

    for text in (page(cora, "conversation", message.conversation), page(cora, "message", message)):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_message_shows_what_happened_to_it(cora):
    histories.conversation(messages=1)

    text = page(cora, "message", Message.objects.get())

    for words in ("message received", "sending", "delivery confirmed", "attributes written"):
        assert words in text


def test_files_stand_beside_the_text_they_came_with_and_have_no_address(cora):
    record(parsed(text="", attachments=[
        {"filename": "<b>\u202egnp.exe", "contentType": "image/png", "size": 2048,
         "url": "https://files.example.org/1?key=secret"},
    ]))  # fmt: skip

    text = page(cora, "message", Message.objects.get())

    assert "&lt;b&gt;" in text
    assert "image/png" in text
    assert "2.0\xa0KB" in text
    assert "no text" not in text
    assert "key=secret" not in text


def test_an_erased_text_is_said_to_be_erased(cora):
    conversation = histories.conversation(messages=1)
    histories.tamper("UPDATE conversations_attributeaudit SET text_id = NULL")
    histories.tamper("DELETE FROM conversations_messagetext")
    histories.tamper("UPDATE conversations_message SET erased_at = sent_at")

    text = page(cora, "conversation", conversation)

    assert "erased" in text
    assert "chain verified" in text


def test_a_reply_shows_what_was_typed_and_what_was_sent(cora):
    conversation = histories.conversation(messages=1)
    Conversation.objects.update(agent_id="tom")
    reply = Reply(key="a" * 16, agent_id="tom", text="Good day", language="en-US", target="es")
    user = histories.user("tom", "agent")
    sent = send_reply(conversation.pk, reply, Previewed(made("Buenos"), "Muy buenos"), user=user)

    for text in (
        page(cora, "conversation", conversation),
        page(cora, "message", Message.objects.get(pk=sent.message_id)),
    ):
        assert "Good day" in text
        assert "Muy buenos" in text
        assert ">erased<" not in text


def test_an_audit_shows_what_it_replaced(cora):
    histories.conversation(messages=2)

    text = page(cora, "attributeaudit", AttributeAudit.objects.order_by("id").last())

    assert "Hola 1" in text
    assert "Hola 2" in text


def test_a_dead_letter_shows_any_bytes_as_text(cora):
    histories.not_understood(b"<b>\xff\x00\x1b[31m")

    text = page(cora, "deadletter", DeadLetter.objects.get())

    assert "&lt;b&gt;��" in text
    assert "<b>" not in text


def test_a_dead_letter_shows_no_more_than_is_kept():
    assert len(readable(b"x" * (BODY_LIMIT + 10))) == BODY_LIMIT


@pytest.mark.parametrize(
    "name", ["conversation", "message", "delivery", "attributeaudit", "journalentry"]
)
def test_a_list_costs_the_same_queries_however_long_it_is(cora, name: str):
    histories.conversation("conv-1", messages=1)
    page(cora, name)
    with CaptureQueriesContext(connection) as few:
        page(cora, name)
    histories.conversation("conv-2", messages=4)
    with CaptureQueriesContext(connection) as many:
        page(cora, name)

    assert len(few) == len(many)


def test_a_conversation_costs_the_same_queries_however_long_it_is(cora):
    first = histories.conversation("conv-1", messages=1)
    second = histories.conversation("conv-2", messages=5)
    page(cora, "conversation", second)  # the visit itself is an entry
    page(cora, "conversation", first)
    with CaptureQueriesContext(connection) as few:
        page(cora, "conversation", first)
    with CaptureQueriesContext(connection) as many:
        page(cora, "conversation", second)

    assert len(few) == len(many)


def test_a_big_list_is_not_counted_to_its_end(cora, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "COUNT_LIMIT", 2)
    histories.conversation(messages=3)

    text = page(cora, "message")

    assert "2 or more messages" in text


def test_a_search_finds_a_conversation_by_its_id(cora):
    histories.said("Hola", conversation="conv-1")
    histories.said("Hola", conversation="conv-2")

    assert "1 message" in page(cora, "message", query="?q=conv-2")
    assert "1 conversation" in page(cora, "conversation", query="?q=conv-2")
    assert "0 messages" in page(cora, "message", query="?q=conv")


def test_dates_lead_from_year_to_day(cora):
    message = histories.said("Hola")
    Conversation.objects.update(last_event_at="2024-06-15T10:30:00Z")
    at = message.received_at

    year = page(cora, "conversation", query="?last_event_at__year=2024")
    month = page(cora, "conversation", query="?last_event_at__year=2024&last_event_at__month=6")
    empty = page(cora, "conversation", query=f"?last_event_at__year={at.year - 20}")

    assert "June 2024" in year
    assert "June 15" in month
    assert "0 conversations" in empty


def test_no_page_needs_an_inline_script_or_style(cora):
    conversation = histories.conversation(messages=1)

    for text in (page(cora, "conversation", conversation), page(cora, "conversation")):
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text
        assert "onclick" not in text
