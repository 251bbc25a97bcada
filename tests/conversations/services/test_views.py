"""Who looked at a conversation, or was refused, stands in its journal: once a visit (S11)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.live import rights
from conversations.models import Agent, Conversation, Delivery, JournalEntry, Message
from conversations.services.console_journal import CONSOLE_ID
from conversations.services.verification import verify_journal
from conversations.services.views import note_refusal, note_view
from tests.conversations import histories
from tests.conversations.live.histories import a_conversation
from translation.models import Translation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


def looks(conversation: Conversation) -> list[tuple[str, str, str]]:
    """Kind, who, where."""
    rows = JournalEntry.objects.filter(
        conversation=conversation, kind__in=["viewed", "view_refused"]
    )
    return [
        (row.kind, row.actor.split(":")[2], json.loads(row.data)["where"])
        for row in rows.order_by("seq")
    ]


def test_a_page_and_all_that_it_reads_is_one_visit(client: Client):
    conversation = histories.conversation(messages=1)
    sue = histories.user("sue", "supervisor")
    client.force_login(sue)
    message = Message.objects.filter(origin="guest").get()

    for path in ("", "messages/", f"messages/{message.pk}/", ""):
        assert client.get(f"/live/conv-1/{path}").status_code == 200
    assert rights.admit(sue.pk, "conv-1").conversation == conversation.pk

    assert looks(conversation) == [("viewed", "sue", "live")]
    assert verify_journal().holds


def test_whoever_is_refused_is_named_and_learns_nothing(client: Client):
    foreign = a_conversation("foreign", agent_id="agent-2")
    alice = histories.user("alice", "agent")
    Agent.objects.create(user=alice, external_id="agent-1")
    cora = histories.user("cora", "compliance")

    client.force_login(alice)
    assert client.get("/live/foreign/").status_code == 404
    assert rights.admit(alice.pk, "foreign").code == 4404
    assert client.get("/live/missing/").status_code == 404
    client.force_login(cora)
    assert client.get("/live/foreign/").status_code == 403
    assert client.get("/assist/foreign/").status_code == 403

    assert looks(foreign) == [
        ("view_refused", "alice", "live"),
        ("view_refused", "cora", "live"),
        ("view_refused", "cora", "assist"),
    ]


def test_a_stranger_fills_no_journal(client: Client):
    conversation = a_conversation("c")

    client.get("/live/c/")
    note_refusal(AnonymousUser(), "c", where="live")

    assert looks(conversation) == []


def test_the_pages_of_the_admin_and_a_list_of_one_conversation_are_looks(client: Client):
    conversation = histories.conversation("conv-1", messages=1)
    other = histories.conversation("conv-2", messages=1)
    client.force_login(histories.user("cora", "compliance"))
    message = conversation.messages.filter(origin="guest").get()

    for name, key in (("conversation", conversation.pk), ("message", message.pk)):
        page = reverse(f"admin:conversations_{name}_change", args=[key])
        assert client.get(page).status_code == 200
    client.get(reverse("admin:conversations_journalentry_changelist"), {"q": "conv-2"})
    client.get(reverse("admin:conversations_message_changelist"))

    assert looks(conversation) == looks(other) == [("viewed", "cora", "admin")]


@pytest.mark.parametrize(
    ("records", "of"),
    [
        ("conversations_message", "conversation__id__exact"),
        ("conversations_message", "conversation__exact"),
        ("conversations_message", "conversation"),
        ("conversations_delivery", "conversation_id"),
    ],
)
def test_a_list_that_a_filter_narrows_to_one_conversation_is_a_look(
    client: Client, records: str, of: str
):
    conversation = histories.conversation("conv-1", messages=1)
    other = histories.conversation("conv-2", messages=1)
    client.force_login(histories.user("cora", "compliance"))

    shown = client.get(reverse(f"admin:{records}_changelist"), {of: conversation.pk})

    assert shown.status_code == 200
    assert looks(conversation) == [("viewed", "cora", "admin")]
    assert looks(other) == []


def test_the_page_of_a_translation_is_a_look(client: Client):
    conversation = histories.conversation("conv-1", messages=1)
    client.force_login(histories.user("cora", "compliance"))
    page = reverse("admin:translation_translation_change", args=[Translation.objects.get().pk])

    assert client.get(page).status_code == 200

    assert looks(conversation) == [("viewed", "cora", "admin")]


def test_an_address_that_no_database_can_hold_is_a_missing_one(client: Client):
    client.force_login(histories.user("root", is_superuser=True))

    assert client.get("/assist/a%00b/").status_code == 404
    journal = reverse("admin:conversations_journalentry_changelist")
    assert client.get(journal, {"q": "a\x00b"}).status_code in (200, 302)


def test_a_later_visit_is_another_one():
    conversation = histories.conversation(messages=1)
    sue, tom = histories.user("sue"), histories.user("tom")
    now = timezone.now()

    for minutes, user in ((0, sue), (9, sue), (9, tom), (19, sue), (25, sue)):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            note_view(user, conversation.pk, where="live")

    assert [who for _, who, _ in looks(conversation)] == ["sue", "tom", "sue"]


def test_the_wall_is_in_the_consoles_chain_once_a_visit():
    a_conversation("c", agent_id="agent-1")
    sue, tom = histories.user("sue", "supervisor"), histories.user("tom", "supervisor")
    cora = histories.user("cora", "compliance")
    now = timezone.now()

    for minutes, user in ((0, sue), (1, sue), (2, tom), (3, cora), (11, sue)):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            rights.admit(user.pk, None)

    console = Conversation.objects.get(external_id=CONSOLE_ID)
    assert looks(console) == [("viewed", who, "wall") for who in ("sue", "tom", "sue")]
    assert verify_journal().holds


def test_the_list_of_reviews_is_a_look_where_it_shows_what_was_said(client: Client):
    client.force_login(histories.user("sue", "supervisor"))
    page = reverse("operations")
    consoles = Conversation.objects.filter(external_id=CONSOLE_ID)

    assert client.get(page).status_code == 200
    before = [look for console in consoles for look in looks(console)]
    message = histories.said("Hola")
    histories.translated(message, "Hello")
    histories.left_in(message, Delivery.State.REVIEW, reason="no answer")
    for _ in range(2):
        assert client.get(page).status_code == 200

    assert before == []
    assert looks(consoles.get()) == [("viewed", "sue", "operations")]
