"""TRAP: the answer to a commit is lost, and the commit was done (keystrokes would count twice)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from assist.engagement.keeper import Keeper
from assist.models import Engagement
from assist.services.typing import add_typed
from tests.conversations.histories import said

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@pytest.mark.django_db(transaction=True)
def test_a_flush_that_may_have_been_stored_is_not_stored_twice():
    conversation = said("Hola", sent_at=START).conversation_id
    answers = iter([True, False, True])

    def write(typed, writer, number):
        add_typed(typed, writer=writer, number=number)
        if not next(answers):
            raise OperationalError("server closed the connection unexpectedly")

    keeper = Keeper(writer="one", write=write)
    keeper.report(conversation, "agent-1", 3, at(0))
    assert keeper.flush()
    keeper.report(conversation, "agent-1", 4, at(1))
    assert not keeper.flush()
    keeper.report(conversation, "agent-1", 5, at(2))
    answers = iter([True, True])
    assert keeper.flush()  # what was in hand, and what came meanwhile

    row = Engagement.objects.get()
    assert (row.keystrokes, row.active_ms) == (12, 2_000)
