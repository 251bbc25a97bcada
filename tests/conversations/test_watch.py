"""A database call that gets no answer is ended, and the next one works (reliability E2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError, close_old_connections, connection

from conversations.models.trip import Trip
from conversations.watch import limited

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql_only,  # SQLite is no peer
]


def in_thread(act: Callable[[], None]) -> None:
    """On a connection of its own, as a crossing's thread has it."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told to the test
            failure.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    if failure:
        raise failure[0]


def sleep_in_the_database(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def sleep_on_a_trip(seconds: float) -> None:
    trip = Trip()
    trip.ask("SELECT pg_sleep(%s)", [seconds], lambda *_: None)
    trip.go()


@pytest.mark.parametrize("sleep", [sleep_in_the_database, sleep_on_a_trip])
def test_a_call_without_an_answer_fails_and_the_next_one_works(sleep: Callable[[float], None]):
    def act() -> None:
        begin = time.monotonic()
        with pytest.raises(OperationalError), limited(0.5):
            sleep(15)
        assert time.monotonic() - begin < 10

        close_old_connections()
        with limited(14):
            sleep_in_the_database(0)

    in_thread(act)


def test_a_call_within_its_time_is_left_alone():
    def act() -> None:
        with limited(14), limited(0.1):  # the outer one counts
            sleep_in_the_database(1.2)

    in_thread(act)
