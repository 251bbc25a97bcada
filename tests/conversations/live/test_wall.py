"""Cards of the live wall."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.live import wall
from conversations.models import Conversation, DeadLetter, Delivery
from tests.conversations.live.histories import History, a_conversation

pytestmark = pytest.mark.django_db


def card_of(history: History) -> wall.Card:
    return wall.cards_for([history.conversation.pk])[history.conversation.pk]


def test_a_card_shows_the_last_words_in_the_agents_language():
    history = History(a_conversation())
    message = history.say("guest", "Hola")
    assert card_of(history)["last"]["text"] == "Hola"

    history.translate(message)

    assert card_of(history)["last"] == {"text": "Hello", "language": "en-US", "origin": "guest"}


def test_a_card_shows_the_worst_state_of_its_messages():
    history = History(a_conversation())
    message = history.say()
    seen = [card_of(history)["status"]]
    for step in (history.translate, history.doubt, history.confirm):
        step(message)
        seen.append(card_of(history)["status"])

    assert seen == ["translating", "waiting", "ambiguous", "ok"]


def test_a_card_shows_the_worst_delivery_and_since_when_something_waits():
    history = History(a_conversation())
    first, second = history.say(), history.say()
    history.translate(first)
    history.confirm(first)
    late = first.received_at + timedelta(seconds=7)
    Delivery.objects.filter(message=first).update(confirmed_at=late)

    card = card_of(history)

    assert card["worst_ms"] == 7000
    assert card["waiting_since"] == second.received_at.isoformat()


def test_a_card_without_a_delivery_has_no_latency():
    card = card_of(History(a_conversation()))

    assert (card["worst_ms"], card["waiting_since"]) == (None, None)


def test_an_ended_conversation_lingers_and_leaves():
    history = History(a_conversation())
    history.step("close")
    now = timezone.now()

    soon = wall.heads(Conversation.objects.all(), now)
    later = wall.heads(Conversation.objects.all(), now + wall.LINGER + timedelta(seconds=1))

    assert history.conversation.pk in soon.seqs
    assert history.conversation.pk not in later.seqs


def _under_review(history: History) -> None:
    history.review(history.messages[0])


def _ambiguous(history: History) -> None:
    history.doubt(history.messages[0])


def _failed(history: History) -> None:
    DeadLetter.objects.create(
        kind=DeadLetter.Kind.DELIVERY,
        conversation=history.conversation,
        reason="HTTP 400",
        created_at=timezone.now(),
    )


@pytest.mark.parametrize("trouble", [_under_review, _ambiguous, _failed])
def test_a_full_wall_keeps_what_needs_somebody_and_then_the_newest(monkeypatch, trouble):
    monkeypatch.setattr(wall, "MAX_CARDS", 2)
    quiet, older, newer = (History(a_conversation()) for _ in range(3))
    quiet.translate(quiet.say())
    trouble(quiet)
    for history in (older, newer):
        history.say()

    found = wall.heads(Conversation.objects.all(), timezone.now())

    assert set(found.seqs) == {quiet.conversation.pk, newer.conversation.pk}
    assert found.total == 3


def test_a_wall_that_shows_all_says_how_many_without_a_further_query():
    History(a_conversation())

    with CaptureQueriesContext(connection) as captured:
        found = wall.heads(Conversation.objects.all(), timezone.now())

    assert (len(found.seqs), found.total, len(captured)) == (1, 1, 1)


def test_the_number_of_queries_does_not_depend_on_the_number_of_conversations():
    def queries(number: int) -> int:
        histories = [History(a_conversation()) for _ in range(number)]
        for history in histories:
            history.translate(history.say())
        with CaptureQueriesContext(connection) as captured:
            wall.cards_for([history.conversation.pk for history in histories])
        return len(captured)

    assert queries(1) == queries(10) == 4
