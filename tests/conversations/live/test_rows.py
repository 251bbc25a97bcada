"""What a row says of attributes: before and after, and never a copy of a text."""

from __future__ import annotations

import json

import pytest

from conversations.live.rows import rows_for
from tests.conversations.live.histories import History, a_conversation

pytestmark = pytest.mark.django_db


def test_a_row_says_what_stood_in_the_attributes_before_and_after():
    history = History(a_conversation())
    first, second = history.say("guest", "Hola"), history.say("guest", "¿Hay alguien?")
    for message in (first, second):
        history.translate(message)
        history.attribute(message)

    rows = rows_for([first.pk, second.pk])

    assert rows[first.pk]["attributes"]["before"] is None
    assert rows[second.pk]["attributes"]["before"]["message"] == first.pk
    assert rows[second.pk]["attributes"]["after"]["message"] == second.pk
    assert rows[second.pk]["attributes"]["after"]["originalLanguage"] == "ES"


def test_no_row_holds_the_text_of_another_message():
    # Erasing that message's text would otherwise leave it on the pages that are open.
    history = History(a_conversation())
    first, second = history.say("guest", "secreto"), history.say("guest", "Hola")
    history.attribute(first)
    history.attribute(second)

    row = rows_for([second.pk])[second.pk]

    assert "secreto" not in json.dumps(row, ensure_ascii=False)


def test_a_guest_is_read_when_the_translation_is():
    history = History(a_conversation())
    message = history.say("guest", "Hola")
    history.translate(message)
    history.echo(message)
    assert rows_for([message.pk])[message.pk]["read_at"] is None

    echo = history.conversation.messages.get(origin="injected")
    history.read(echo)

    assert rows_for([message.pk])[message.pk]["read_at"] == echo.read_at.isoformat()
