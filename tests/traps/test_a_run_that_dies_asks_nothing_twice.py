"""TRAP: a run of the enrichment dies between the question and its answer, or is taken for dead."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from assist.models import Interaction
from assist.services import enrichment, rounds
from tests.conversations.histories import said


def begun(owner: str, now: datetime) -> bool:
    every = timedelta(seconds=25)
    return rounds.begin(enrichment.ROUND, owner=owner, every=every, now=now) is not None


@pytest.mark.django_db
def test_a_run_that_died_after_claiming_asks_nothing_twice() -> None:
    said("Hola")
    now = timezone.now()
    enrichment.admit(now)
    assert begun("dead", now)
    assert isinstance(enrichment.next_to_ask("dead", now), enrichment.Ask)

    assert not begun("heir", now + timedelta(seconds=30))  # its lease holds
    later = now + timedelta(seconds=61)
    assert begun("heir", later)
    assert enrichment.next_to_ask("dead", later) is None  # woken up, it is refused
    assert isinstance(enrichment.next_to_ask("heir", later), enrichment.Ask)
    assert enrichment.next_to_ask("heir", later) is None
    assert Interaction.objects.get().attempts == 2
