"""What happened to one message, from its journal entries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.live.timeline import timeline_of
from conversations.models import JournalEntry
from tests.conversations.histories import tamper
from tests.conversations.live.histories import History, a_conversation

pytestmark = pytest.mark.django_db


def a_delivered_message() -> tuple[History, int]:
    history = History(a_conversation())
    message = history.say("guest", "Hola")
    history.translate(message)
    history.confirm(message)
    history.echo(message)
    history.attribute(message)
    return history, message.pk


def test_a_timeline_has_every_step_of_the_message_and_of_its_echo():
    history, pk = a_delivered_message()
    history.say("guest", "otra cosa")

    found = timeline_of(history.conversation.pk, pk)

    kinds = [entry["kind"] for entry in found["entries"]]
    assert kinds == ["received", "translated", "confirmed", "echoed", "attributes_written"]
    assert found["entries"][1]["facts"]["provider"] == "deepl"
    assert found["row"]["id"] == pk


def test_a_step_says_who_did_it_and_how_long_after_the_one_before():
    history, pk = a_delivered_message()
    received, translated = JournalEntry.objects.filter(message=pk).order_by("seq")[:2]
    at = received.at + timedelta(milliseconds=250)
    tamper(
        "UPDATE conversations_journalentry SET at = %s, actor = %s WHERE id = %s",
        [at, "user:7:sam:elle", translated.pk],
    )

    step = timeline_of(history.conversation.pk, pk)["entries"][1]

    assert (step["after_ms"], step["actor"], step["is_person"]) == (250, "sam:elle", True)


def test_attributes_stand_before_and_after_with_the_texts_that_are_kept():
    history = History(a_conversation())
    first, second = history.say("guest", "Hola"), history.say("guest", "¿Hay alguien?")
    history.attribute(first)
    history.attribute(second)

    written = timeline_of(history.conversation.pk, second.pk)["attributes"]

    assert written["before"]["originalText"] == "Hola"
    assert written["after"]["originalText"] == "¿Hay alguien?"


def test_an_erased_text_is_gone_from_before_and_after():
    history = History(a_conversation())
    first, second = history.say("guest", "Hola"), history.say("guest", "¿Hay alguien?")
    history.attribute(first)
    history.attribute(second)

    first.texts.all().delete()

    written = timeline_of(history.conversation.pk, second.pk)["attributes"]
    assert written["before"]["originalText"] is None
    assert written["after"]["originalText"] == "¿Hay alguien?"


def test_an_echo_and_a_message_of_another_conversation_have_no_timeline():
    history, pk = a_delivered_message()
    echo = history.conversation.messages.get(origin="injected")
    other = a_conversation()

    assert timeline_of(history.conversation.pk, echo.pk) is None
    assert timeline_of(other.pk, pk) is None


def test_a_kind_of_a_newer_release_is_named_as_it_stands():
    history, pk = a_delivered_message()
    tamper(
        "UPDATE conversations_journalentry SET kind = 'sent_by_pigeon' "
        "WHERE message_id = %s AND kind = 'confirmed'",
        [pk],
    )

    words = [entry["words"] for entry in timeline_of(history.conversation.pk, pk)["entries"]]

    assert "sent by pigeon" in words
