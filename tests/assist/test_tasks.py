"""What the schedule starts: the whole run, on rows and the simulated platform."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assist.models import Engagement, Interaction, Round
from assist.services import measuring
from assist.tasks import enrich_conversations, measure_answers
from conversations.models import Message
from tests.conversations.gateway.gateways import point_at
from tests.conversations.histories import said


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("simulator_thread", [{"analytics_delay_s": 0.0}], indirect=True)
def test_a_scheduled_run_enriches_and_the_next_comes_no_sooner(settings, simulator_thread):
    point_at(settings, simulator_thread)

    async def speak() -> None:
        world = simulator_thread.world
        world.say_as_guest(world.conversation("conv-1"), "Hola")

    simulator_thread.call(speak())
    said("Hola")

    enrich_conversations()
    enrich_conversations()  # another schedule

    assert Interaction.objects.get().state == "running"
    assert Interaction.objects.get().started_at is not None
    round_ = Round.objects.get()
    assert (round_.owner, round_.done, round_.reason) == ("", 1, "")
    calls = simulator_thread.world.ledger.entries(kinds=frozenset({"analytics"}))
    assert len(calls) == 1


@pytest.mark.django_db
def test_measuring_reads_on_from_where_it_came_to_and_takes_in_what_committed_late(monkeypatch):
    monkeypatch.setattr(measuring, "_PAGE", 2)
    start = timezone.now() - timedelta(minutes=5)
    for number in range(4):
        name = f"conv-{number}"
        said("Hola", conversation=name, sent_at=start)
        said("Hello", conversation=name, by="agent", sent_at=start + timedelta(seconds=number))

    measure_answers()

    rows = Engagement.objects.order_by("conversation_id")
    assert list(rows.values_list("first_response_ms", flat=True)) == [0, 1000, 2000, 3000]

    late = said("And this?", by="agent", conversation="conv-0", number=2, sent_at=timezone.now())
    Message.objects.filter(pk=late.pk).update(received_at=timezone.now() - timedelta(seconds=20))
    Round.objects.update(began_at=timezone.now() - timedelta(minutes=1))
    measure_answers()
    of_both_days = rows.filter(conversation__external_id="conv-0")  # just after midnight
    assert sum(of_both_days.values_list("messages", flat=True)) == 2
    finished_at = Round.objects.get().finished_at
    measure_answers()  # too soon for another run
    assert Round.objects.get().finished_at == finished_at
