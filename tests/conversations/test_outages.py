"""What is away is said once and named; the database's state is told from a fault of ours."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from conversations.outages import Outage, trouble_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_outage_is_said_at_once_then_every_minute_and_at_its_end(clock: Clock, caplog):
    caplog.set_level(logging.INFO)
    outage = Outage(again_s=60, monotonic=clock)

    for second in range(130):
        clock.now = float(second)
        outage.say("it is away")
    outage.over("it is back")
    outage.over("it is back")

    assert caplog.messages == ["it is away"] * 3 + ["it is back after 129 s"]


def test_without_an_interval_it_is_said_once_an_outage(clock: Clock, caplog):
    caplog.set_level(logging.INFO)
    outage = Outage(again_s=None, monotonic=clock)

    for _ in range(2):
        for _ in range(3):
            clock.now += 1000
            outage.say("it is away")
        outage.over("it is back")

    assert caplog.messages == ["it is away", "it is back after 2000 s"] * 2


def test_an_outage_that_turns_into_another_is_news_and_one_outage(clock: Clock, caplog):
    caplog.set_level(logging.INFO)
    outage = Outage(monotonic=clock)

    outage.say("it is away")
    clock.now = 5.0
    outage.say("it is empty", kind="tables")
    clock.now = 7.0
    outage.over("it is back")

    assert caplog.messages == ["it is away", "it is empty", "it is back after 7 s"]


def test_a_success_between_two_failures_is_no_end(clock: Clock, caplog):
    """A migration makes one table after the other."""
    caplog.set_level(logging.INFO)
    outage = Outage(steady_s=2.0, monotonic=clock)

    for second in range(3):
        clock.now = float(second)
        outage.say("it is half there", kind="tables")
        outage.over("it is back")
    clock.now = 3.9
    outage.over("it is back")
    clock.now = 4.0
    outage.over("it is back")

    assert caplog.messages == ["it is half there", "it is back after 4 s"]


def test_all_well_says_nothing(caplog):
    caplog.set_level(logging.INFO)

    Outage().over("it is back")

    assert caplog.messages == []


def failure_of(statement: str) -> Any:
    with pytest.raises(Exception) as failed, connection.cursor() as cursor:  # noqa: PT011
        cursor.execute(statement)
    return trouble_of(failed.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM not_there",
        "SELECT not_there FROM conversations_message",
        "INSERT INTO conversations_message (not_there) VALUES (1)",
    ],
)
def test_what_migrate_would_make_is_told_from_a_fault_of_a_statement(statement: str):
    trouble = failure_of(statement)

    assert trouble.kind == "tables"
    assert "Run `python manage.py migrate`" in trouble.line
    assert str(connection.settings_dict["NAME"]) in trouble.line


@pytest.mark.django_db
def test_a_fault_of_a_statement_says_nothing_about_the_database():
    with pytest.raises(Exception) as failed, connection.cursor() as cursor:  # noqa: PT011
        cursor.execute("INSERT INTO conversations_message (id) VALUES (NULL)")

    assert trouble_of(failed.value) is None
    assert trouble_of(ProgrammingError("syntax error")) is None
    assert trouble_of(ValueError("database is locked")) is None


@pytest.mark.parametrize(
    "error",
    [OperationalError("connection refused\n\tmore of it"), InterfaceError("connection is closed")],
)
def test_a_database_that_does_not_answer_is_named_by_its_setting(error: Exception, settings):
    trouble = trouble_of(error)

    assert trouble is not None
    assert trouble.kind == "away"
    assert "DATABASE_URL" in trouble.line
    assert "more of it" not in trouble.line
    password = connection.settings_dict.get("PASSWORD")
    assert not password or password not in trouble.line


@pytest.mark.django_db
@pytest.mark.postgresql_only  # SQLite has no limit for one statement
def test_a_database_that_is_busy_is_not_away():
    with pytest.raises(OperationalError) as failed, connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")

    trouble = trouble_of(failed.value)
    assert trouble is not None
    assert trouble.kind == "busy"


def test_a_locked_sqlite_is_busy():
    trouble = trouble_of(OperationalError("database is locked"))

    assert trouble is not None
    assert trouble.kind == "busy"
