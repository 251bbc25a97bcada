"""Records are found by the platform's id of a message, whichever of its messages that is."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from conversations.models import Delivery, JournalEntry, Message
from tests.conversations import histories
from tests.conversations.services.wire import event, just_after, record

pytestmark = pytest.mark.django_db

LISTS = {
    "messages": "conversations_message",
    "deliveries": "conversations_delivery",
    "translations": "translation_translation",
    "attributes": "conversations_attributeaudit",
    "journal": "conversations_journalentry",
}


@pytest.fixture
def cora(client):
    client.force_login(histories.user("cora", "compliance"))
    return client


def found(client: Any, name: str, term: str) -> list[Any]:
    answer = client.get(reverse(f"admin:{LISTS[name]}_changelist"), {"q": term})
    assert answer.status_code == 200
    return list(answer.context["cl"].queryset)


def a_delivered_message() -> Message:
    """With another one before it, so that there is something not to be found."""
    histories.delivered(histories.said("Buenas", number=7), "Good day")
    message = histories.said("Hola")
    histories.delivered(message, "Hello")
    return message


def test_the_guests_id_finds_all_that_is_known_of_the_message(cora):
    message = a_delivered_message()

    term = f" {message.external_id} "
    assert found(cora, "messages", term) == [message]
    assert [one.message for one in found(cora, "deliveries", term)] == [message]
    assert [one.message for one in found(cora, "translations", term)] == [message]
    assert [one.message for one in found(cora, "attributes", term)] == [message]
    entries = found(cora, "journal", term)
    assert {one.message for one in entries} == {message}
    assert len(entries) == JournalEntry.objects.filter(message=message).count()


def test_the_id_of_a_translations_echo_finds_what_it_translates(cora):
    message = histories.said("Hola")
    delivery = histories.translated(message, "Hello")
    record(event("Hello", id="echo-1", sent_at=just_after(delivery)))
    echo = Message.objects.get(external_id="echo-1")

    assert {one.pk for one in found(cora, "messages", "echo-1")} == {message.pk, echo.pk}
    assert found(cora, "deliveries", "echo-1") == [delivery]
    assert message in {one.message for one in found(cora, "journal", "echo-1")}


def test_the_id_of_a_delivered_part_finds_the_whole_and_the_part(cora):
    delivery = histories.translated(histories.said("Hola"), "One is here. Two is here.")
    part = Delivery.objects.create(
        conversation=delivery.conversation,
        part_of=delivery,
        direction=delivery.direction,
        state=Delivery.State.CONFIRMED,
        external_id="part-1",
        created_at=delivery.created_at,
    )

    assert {one.pk for one in found(cora, "deliveries", "part-1")} == {delivery.pk, part.pk}
    assert found(cora, "messages", "part-1") == [delivery.message]


def test_a_conversation_is_found_as_before_and_what_nobody_knows_finds_nothing(cora):
    message = a_delivered_message()

    assert len(found(cora, "messages", "conv-1")) == 2
    assert len(found(cora, "deliveries", "conv-1")) == 2
    assert len(found(cora, "translations", "conv-1")) == 2
    for name in LISTS:
        assert found(cora, name, message.external_id[:-1]) == []
        assert found(cora, name, "0") == []


def test_whoever_looks_for_a_message_has_looked_at_its_conversation(cora):
    message = a_delivered_message()
    views = JournalEntry.objects.filter(conversation=message.conversation, kind="viewed")

    found(cora, "messages", "nobody's")
    assert not views.exists()
    found(cora, "deliveries", message.external_id)

    [view] = views
    assert view.actor.endswith(":cora")
