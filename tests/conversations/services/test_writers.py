"""Many writers at once: nobody is turned away, and no chain has two entries for one place."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from conversations.models import JournalEntry, Message
from tests.conversations.services.decided import be_patient
from tests.conversations.services.wire import assert_journal_holds, event, record

WRITERS, BATCHES = 8, 12
SHARED = ("conv-1", "conv-2")


@pytest.mark.django_db(transaction=True)
def test_eight_writers_meet_no_lock_and_fork_no_chain():
    """E4, E7. SQLite takes its lock at the beginning of a transaction and waits for it."""
    errors: list[BaseException] = []
    start = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        try:
            be_patient()
            start.wait(30)
            for batch in range(BATCHES):
                record(
                    *(
                        event(f"{number} {batch}", id=f"{name}-{number}-{batch}", conversation=name)
                        for name in SHARED
                    )
                )
        except BaseException as error:  # noqa: BLE001 - told by the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert Message.objects.count() == WRITERS * BATCHES * len(SHARED)
    assert JournalEntry.objects.count() == Message.objects.count()
    assert_journal_holds()
