"""A page that applied all events equals a fresh page, at a fixed number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.genesys.events import MessageCopied
from conversations.live import snapshots
from conversations.live.rows import rows_for
from conversations.models import Conversation, Delivery
from conversations.services.copies import record_copies
from conversations.services.delivery import Confirm
from conversations.services.retention import remove_due
from tests.conversations import histories
from tests.conversations.histories import translated
from tests.conversations.live.histories import History, a_conversation
from tests.conversations.live.pages import Page
from tests.conversations.services.wire import AGENT, apply, just_after, record, recorded
from tests.conversations.services.wire import event as said

pytestmark = pytest.mark.django_db


def fresh(pk: int) -> Page:
    page = Page()
    for frame in snapshots.start(pk, None).frames:
        page.receive(frame)
    return page


def test_a_page_cut_off_between_two_events_misses_nothing():
    # Given a message whose last entry comes after another message's only one
    history = History(a_conversation())
    first = history.say()
    page = fresh(history.conversation.pk)
    history.translate(first)
    history.say()
    history.confirm(first)

    # When the socket drops after the first of the two events
    changes = snapshots.events_past({history.conversation.pk: page.seq})
    page.receive(changes[history.conversation.pk].events[0].frame)
    for frame in snapshots.start(history.conversation.pk, page.seq).frames:
        page.receive(frame)

    assert page.shown() == fresh(history.conversation.pk).shown()


def test_an_echo_is_no_row_but_changes_the_row_of_its_source():
    history = History(a_conversation())
    message = history.say()
    history.translate(message)
    page = fresh(history.conversation.pk)
    history.echo(message)

    changes = snapshots.events_past({history.conversation.pk: page.seq})
    for event in changes[history.conversation.pk].events:
        page.receive(event.frame)

    assert list(page.rows) == [message.pk]
    assert page.rows[message.pk]["delivery"]["confirmed_by"] == "echo"


def caught_up(page: Page, pk: int) -> Page:
    changes = snapshots.events_past({pk: page.seq})
    for event in changes[pk].events:
        page.receive(event.frame)
    return page


def test_the_head_says_who_the_agent_is_once_a_copy_comes_again_as_theirs():
    now = timezone.now()
    record(said("antes", sent_at=now - timedelta(minutes=1)))
    copy = MessageCopied("conv-1", "m-1", "agent", AGENT.id, "", "Hello", now)
    record_copies([copy])
    pk = Conversation.objects.get().pk
    page = fresh(pk)

    record(said("Hello", id="m-1", sender=AGENT, sent_at=now))

    assert caught_up(page, pk).shown() == fresh(pk).shown()
    assert page.conversation["agent_name"] == AGENT.name


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_the_head_says_who_the_agent_is_once_an_echo_names_them(is_confirmed: bool):
    delivery = translated(recorded("Hola", id="m-1"), "Hello")
    pk = delivery.conversation_id
    if is_confirmed:
        apply(Confirm(pk, delivery.source_id, "", by="answer", external_id="x-1"))
    Delivery.objects.update(direction=Delivery.Direction.AGENT_TO_GUEST)
    Conversation.objects.update(agent_id=AGENT.id)
    page = fresh(pk)

    done = record(said("Hello", id="x-1", sender=AGENT, sent_at=just_after(delivery)))

    assert done.echoes == 1
    assert caught_up(page, pk).shown() == fresh(pk).shown()
    assert page.conversation["agent_name"] == AGENT.name


def test_texts_that_are_erased_go_from_a_page_that_comes_back():
    pk = histories.conversation().pk
    page = fresh(pk)

    remove_due(now=timezone.now() + timedelta(days=1 + settings.RETAIN_TEXTS_DAYS))
    for frame in snapshots.start(pk, page.seq).frames:
        page.receive(frame)

    assert page.shown() == fresh(pk).shown()
    assert [row["original"] for row in page.rows.values()] == [None] * 3


def test_the_number_of_queries_does_not_depend_on_the_number_of_messages():
    def queries(messages: int) -> tuple[int, int]:
        history = History(a_conversation())
        for _ in range(messages):
            message = history.say()
            history.translate(message)
            history.attribute(message)
        pk = history.conversation.pk
        with CaptureQueriesContext(connection) as rows:
            rows_for([message.pk for message in history.messages])
        with CaptureQueriesContext(connection) as events:
            snapshots.events_past({pk: 0})
        return len(rows), len(events)

    assert queries(1) == queries(20) == (5, 7)


def test_a_cursor_that_the_journal_never_had_gets_a_snapshot():
    history = History(a_conversation())
    history.say()

    begun = snapshots.start(history.conversation.pk, 999)

    assert begun.frames[0].text.startswith('{"type":"snapshot"')


def test_a_page_too_far_behind_gets_a_snapshot(monkeypatch):
    monkeypatch.setattr(snapshots, "MAX_RESUME_EVENTS", 2)
    history = History(a_conversation())
    for _ in range(3):
        history.say()

    begun = snapshots.start(history.conversation.pk, 0)

    assert len(begun.frames) == 1
