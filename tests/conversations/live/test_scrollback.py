"""Pages of rows before, after and around, each as a snapshot has them."""

from __future__ import annotations

import pytest

from conversations.live import scrollback
from conversations.live.snapshots import snapshot
from tests.conversations.live.histories import History, a_conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(monkeypatch) -> History:
    monkeypatch.setattr(scrollback, "MAX_ROWS", 4)
    made = History(a_conversation())
    made.say_many(10)
    return made


def seqs(page) -> list[int]:
    return [row["seq"] for row in page["rows"]]


def test_the_rows_before_are_the_last_before_it_in_order(history: History):
    page = scrollback.rows_before(history.conversation.pk, 7)

    assert (seqs(page), page["older"], page["newer"]) == ([3, 4, 5, 6], 2, 4)


def test_the_rows_after_are_the_first_after_it(history: History):
    page = scrollback.rows_after(history.conversation.pk, 8)

    assert (seqs(page), page["older"], page["newer"]) == ([9, 10], 8, 0)


def test_the_last_rows_are_those_before_nothing(history: History):
    assert seqs(scrollback.rows_before(history.conversation.pk, None)) == [7, 8, 9, 10]


def test_a_message_stands_between_its_neighbours(history: History):
    message = history.messages[4]

    assert seqs(scrollback.rows_around(history.conversation.pk, message.pk)) == [4, 5, 6, 7]


def test_a_message_of_another_conversation_is_not_found(history: History):
    assert scrollback.rows_around(a_conversation().pk, history.messages[0].pk) is None


def test_an_echo_is_no_row(history: History):
    message = history.say()
    history.translate(message)
    history.echo(message)

    page = scrollback.rows_after(history.conversation.pk, 10)

    assert [row["id"] for row in page["rows"]] == [message.pk]


def test_pages_together_are_what_a_snapshot_has(history: History):
    whole = snapshot(history.conversation.pk)
    page = scrollback.rows_before(history.conversation.pk, None)
    rows = page["rows"]

    while page["older"]:
        page = scrollback.rows_before(history.conversation.pk, rows[0]["seq"])
        rows = page["rows"] + rows

    assert rows == whole["rows"]
    assert page["seq"] == whole["seq"]


def test_beyond_the_end_there_is_nothing(history: History):
    assert scrollback.rows_after(history.conversation.pk, 99)["rows"] == []
