"""A conversation that another process is changing holds up no other (invariant 7)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from conversations.crossing import LATER
from conversations.models import Conversation, Message
from conversations.services.leases import Rest
from conversations.services.recording import record_events
from conversations.services.unit import apply_changes
from tests.conversations.services.wire import event, recorded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql_only,  # SQLite has one writer at a time
]


@contextmanager
def busy(name: str) -> Iterator[None]:
    """Another connection holds the row meanwhile."""
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Conversation.objects.select_for_update().get(external_id=name)
                locked.set()
                release.wait(60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(20)
    try:
        yield
    finally:
        release.set()
        holder.join(5)


def test_events_of_others_are_stored_and_its_own_are_named():
    for name in ("conv-1", "conv-2"):
        recorded("Hola", conversation=name)
    said = [event(f"Otra {name}", conversation=name) for name in ("conv-1", "conv-2", "new")]

    with busy("conv-1"):
        result = record_events(said, stream="messaging", skip_busy=True)

    assert result.busy == {"conv-1"}
    stored = Message.objects.values_list("conversation__external_id", flat=True).order_by("pk")
    assert list(stored) == ["conv-1", "conv-2", "conv-2", "new"]


def test_changes_of_others_are_committed_and_its_own_come_later():
    held, free = (recorded("Hola", conversation=name).conversation for name in ("a", "b"))

    with busy("a"):
        applied = apply_changes(
            [Rest(row.pk, "", row.work_at) for row in (held, free)], actor="worker", skip_busy=True
        )

    assert applied.results == [LATER, True]
    marks = Conversation.objects.order_by("external_id").values_list("work_at", flat=True)
    assert [mark is None for mark in marks] == [False, True]
