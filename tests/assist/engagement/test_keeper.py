"""What agents type is stored once, by whichever process; and said as the documented line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError

from assist.engagement.keeper import Keeper
from assist.models import Engagement, EngagementWriter
from assist.services.measuring import measure
from assist.services.typing import add_typed
from conversations.signals import keystrokes_reported
from tests.conversations import histories

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def conversation() -> int:
    return histories.said("Hola", sent_at=START).conversation_id


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(record.getMessage()))

    handler, logger = Kept(), logging.getLogger("parley.engagement")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def test_flushes_of_two_processes_share_a_row(conversation):
    one, other = Keeper(writer="one"), Keeper(writer="other")

    one.report(conversation, "agent-1", 1, at(0))
    one.report(conversation, "agent-1", 9, at(2))
    assert one.flush()
    other.report(conversation, "agent-1", 10, at(4))  # the page came back at another process
    other.report(conversation, "agent-2", 7, at(4))
    assert other.flush()
    one.report(conversation, "agent-1", 5, at(20))
    assert one.flush()

    row = Engagement.objects.get(agent_id="agent-1")
    assert (row.keystrokes, row.active_ms, row.duration_ms, row.bursts) == (25, 4_000, 20_000, 2)
    assert (row.estimated_wpm, row.active_wpm) == (15, 75)  # 5 words in 20 s, in 4 s
    assert (row.first_key_at, row.last_key_at, row.day) == (at(0), at(20), date(2026, 3, 2))
    assert Engagement.objects.get(agent_id="agent-2").keystrokes == 7


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_while_the_database_is_away(conversation):
    is_away = True

    def write(typed, writer, number):
        if is_away:
            raise OperationalError("could not connect")
        add_typed(typed, writer=writer, number=number)

    keeper = Keeper(writer="one", write=write)
    for second in range(4):
        keeper.report(conversation, "agent-1", 2, at(second))
        assert not keeper.flush()
    is_away = False
    keeper.close()  # also where the process ends just then

    assert Engagement.objects.get().keystrokes == 8


def test_a_conversation_that_does_not_exist_holds_up_no_other(conversation):
    keeper = Keeper(writer="one")
    keeper.report(conversation, "agent-1", 2, at(0))
    keeper.report(conversation + 999, "agent-1", 2, at(0))

    assert keeper.flush()

    assert Engagement.objects.get().conversation_id == conversation


@pytest.mark.django_db(transaction=True)
def test_after_figures_that_the_database_refuses_the_next_are_stored(conversation):
    def write(typed, writer, number):
        if sum(one.keystrokes for one in typed.values()) == 13:
            raise DataError("out of range")
        add_typed(typed, writer=writer, number=number)

    keeper = Keeper(writer="one", write=write)
    for second, count in enumerate((2, 13, 4)):
        keeper.report(conversation, "agent-1", count, at(second))
        assert keeper.flush() is (count != 13)

    assert Engagement.objects.get().keystrokes == 6


def test_a_process_that_was_silent_for_days_and_is_forgotten_counts_on(conversation):
    keeper, other = Keeper(writer="one"), Keeper(writer="other")
    for _ in range(3):
        keeper.report(conversation, "agent-1", 2, at(0))
        keeper.flush()
    EngagementWriter.objects.update(at=datetime.now(UTC) - timedelta(days=3))
    other.report(conversation, "agent-1", 10, at(1))
    other.flush()
    assert list(EngagementWriter.objects.values_list("name", flat=True)) == ["other"]

    keeper.report(conversation, "agent-1", 100, at(2))
    assert keeper.flush()

    assert Engagement.objects.get().keystrokes == 116


def test_each_burst_ends_with_a_line_of_the_figures_so_far(conversation, lines):
    clock = Clock()
    keeper = Keeper(writer="one", monotonic=clock)
    keeper.report(conversation, "agent-1", 1, at(0))
    clock.now = 2.0
    keeper.report(conversation, "agent-1", 19, at(2))
    keeper.flush()
    assert lines == []  # the agent may go on
    histories.said("Hello", by="agent", sent_at=at(3))
    histories.said("What can I do?", by="agent", number=2, sent_at=at(10.5))
    clock.now = 5.1
    keeper.flush()
    keeper.flush()

    [line] = lines
    timestamp = line["metrics"].pop("timestamp")
    assert line == {
        "event": "agent_typing_engagement",
        "conversationId": "conv-1",
        "agentId": "agent-1",
        "metrics": {
            "totalKeystrokes": 20,
            "durationMs": 2_000,
            "estimatedWPM": 120,
            "activeTypingMs": 2_000,
            "activeWPM": 120,
            "bursts": 1,
            "messages": 2,
            "messageIntervals": [7.5],
            "firstResponseMs": 3_000,
            "averageResponseMs": 3_000,
        },
    }
    assert datetime.fromisoformat(timestamp).tzinfo is not None
    keeper.report(conversation, "agent-1", 1, at(60))
    keeper.close()  # a process that ends says what it has
    assert [line["metrics"]["totalKeystrokes"] for line in lines] == [20, 21]


def test_what_the_messages_say_stands_beside_and_is_set_not_added(conversation):
    keeper = Keeper(writer="one")
    histories.said("Hello", by="agent", sent_at=at(12))
    keeper.report(conversation, "agent-1", 5, at(9))

    for _ in range(2):
        measure([conversation], now=at(20))
    keeper.flush()
    measure([conversation], now=at(20))

    row = Engagement.objects.get()
    assert (row.keystrokes, row.messages, row.responses) == (5, 1, 1)
    assert (row.first_response_ms, row.at) == (12_000, at(12))


@pytest.mark.parametrize(
    ("count_them", "report"),
    [
        (False, {"count": 3}),
        (True, {"count": 0}),
        (True, {"count": 3, "agent_id": ""}),
        (True, {"count": 3, "agent_id": "x" * 201}),
    ],
)
def test_what_is_switched_off_or_nobodys_is_not_counted(settings, monkeypatch, count_them, report):
    settings.COUNT_KEYSTROKES = count_them
    keeper = Keeper(writer="one")
    monkeypatch.setattr("assist.engagement.keeper.running", lambda: keeper)

    keystrokes_reported.send(
        sender=None, **{"conversation_id": 1, "agent_id": "agent-1", "at": START, **report}
    )

    assert not keeper._tally


def test_a_report_is_counted_without_asking_the_database(
    settings, monkeypatch, conversation, django_assert_num_queries
):
    settings.COUNT_KEYSTROKES = True
    keeper = Keeper(writer="one")
    monkeypatch.setattr("assist.engagement.keeper.running", lambda: keeper)

    with django_assert_num_queries(0):
        keystrokes_reported.send(
            sender=None, conversation_id=conversation, agent_id="agent-1", count=3, at=START
        )

    assert keeper.flush()
    assert Engagement.objects.get().keystrokes == 3
