"""Compliance holds conversations and erases guests in the admin: asked twice, with a reason."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation, Erasure, JournalEntry, LegalHold, MessageText
from conversations.tasks import run_erasures
from tests.conversations import histories

pytestmark = pytest.mark.django_db
CONVERSATIONS = reverse("admin:conversations_conversation_changelist")
HOLDS = reverse("admin:conversations_legalhold_changelist")


@pytest.fixture
def cora(client: Client):
    user = histories.user("cora", "compliance")
    client.force_login(user)
    return user


def act(client: Client, page: str, action: str, key: int, **fields: str):
    return client.post(page, {"action": action, "_selected_action": key, **fields}, follow=True)


def test_erasing_asks_for_a_reason_and_the_word_and_then_does_it(client: Client, cora):
    conversation = histories.conversation(messages=2)

    asked = act(client, CONVERSATIONS, "erase", conversation.pk)
    assert "Guest guest-1: 2 messages of 1 conversations" in asked.content.decode()
    for fields in ({"confirmed_reason": "r 1"}, {"confirmed_word": "erase"},
                   {"confirmed_reason": "r 1", "confirmed_word": "yes"}):  # fmt: skip
        act(client, CONVERSATIONS, "erase", conversation.pk, **fields)
    assert not Erasure.objects.exists()

    done = act(client, CONVERSATIONS, "erase", conversation.pk, confirmed_reason="request 1",
               confirmed_word="erase")  # fmt: skip
    run_erasures()

    assert "begins within a minute" in done.content.decode()
    erasure = Erasure.objects.get()
    assert (erasure.state, erasure.requested_by, erasure.texts) == ("finished", cora, 4)
    assert not MessageText.objects.exists()
    actors = JournalEntry.objects.filter(kind="erased").values_list("actor", flat=True)
    assert set(actors) == {f"user:{cora.pk}:cora"}


def test_a_hold_is_placed_refuses_the_erasure_and_is_lifted(client: Client, cora):
    conversation = histories.conversation(messages=1)

    act(client, CONVERSATIONS, "hold", conversation.pk)
    assert not LegalHold.objects.exists()
    act(client, CONVERSATIONS, "hold", conversation.pk, confirmed_reason="case 12",
        confirmed_word="")  # fmt: skip
    hold = LegalHold.objects.get()
    assert (hold.reason, hold.placed_by) == ("case 12", cora)
    refused = act(client, CONVERSATIONS, "erase", conversation.pk, confirmed_reason="request 1",
                  confirmed_word="erase")  # fmt: skip
    assert "A legal hold keeps conv-1" in refused.content.decode()
    assert not Erasure.objects.exists()

    act(client, HOLDS, "lift", hold.pk, confirmed_reason="closed")
    assert not LegalHold.objects.in_force().exists()


def test_a_call_that_names_no_guest_is_erased_alone(client: Client, cora):
    call = histories.conversation("call-1", messages=1)
    other = histories.conversation("call-2", messages=1)
    Conversation.objects.update(guest_id="")

    act(client, CONVERSATIONS, "erase", call.pk, confirmed_reason="r", confirmed_word="erase")
    run_erasures()

    left = set(MessageText.objects.values_list("message__conversation_id", flat=True))
    assert left == {other.pk}


@pytest.mark.parametrize("role", ["admin", "supervisor"])
def test_nobody_else_holds_or_erases(client: Client, role: str):
    conversation = histories.conversation(messages=1)
    client.force_login(histories.user("somebody", role))

    for action in ("hold", "erase"):
        act(client, CONVERSATIONS, action, conversation.pk, confirmed_reason="r",
            confirmed_word="erase" if action == "erase" else "")  # fmt: skip

    assert not LegalHold.objects.exists()
    assert not Erasure.objects.exists()
