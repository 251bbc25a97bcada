"""Calls in the admin: each list and record opens, and shows what an auditor needs."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from assist.models import (
    AssistWatch,
    Chunk,
    Engagement,
    HourlyMetrics,
    Interaction,
    KnowledgeFailure,
    Suggestion,
)
from conversations.models import JournalEntry
from tests.assist.histories import say
from tests.conversations import histories

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(client):
    client.force_login(histories.user("root", is_superuser=True))
    return client


@pytest.fixture
def heard() -> Chunk:
    message = say("call-1", "my card is [CARD]", kinds=(("CARD", 1),))
    say("call-1", "overdue", latency_ms=2000, confidence=0.4)
    chunk = Chunk.objects.get(pk=message.pk)
    now = timezone.now()
    Suggestion.objects.create(chunk=chunk, place=0, title="Cards", latency_ms=40, found_at=now)
    KnowledgeFailure.objects.create(conversation=chunk.conversation, error="status 503", at=now)
    AssistWatch.objects.create(interaction_id="call-1", wanted_until=now)
    Interaction.objects.create(conversation=chunk.conversation, since=now, ask_at=now)
    for agent_id in ("agent-1", "agent-2"):
        Engagement.objects.create(
            conversation=chunk.conversation, agent_id=agent_id, day=now.date(), at=now
        )
    return chunk


MODELS = [
    Chunk, Suggestion, KnowledgeFailure, HourlyMetrics, AssistWatch, Engagement, Interaction,
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_each_list_and_record_opens(auditor, heard, model) -> None:
    name = f"admin:assist_{model._meta.model_name}"

    listed = auditor.get(reverse(f"{name}_changelist"))
    opened = auditor.get(reverse(f"{name}_change", args=[model.objects.first().pk]))

    assert (listed.status_code, opened.status_code) == (200, 200)
    assert b"call-1" in listed.content


def test_a_chunk_shows_its_text_and_what_was_taken_out(auditor, heard) -> None:
    page = auditor.get(reverse("admin:assist_chunk_change", args=[heard.pk])).content.decode()

    assert "my card is [CARD]" in page
    assert "CARD 1" in page


def test_the_page_of_a_suggestion_is_a_look_at_its_call(auditor, heard) -> None:
    page = reverse("admin:assist_suggestion_change", args=[Suggestion.objects.get().pk])

    assert auditor.get(page).status_code == 200

    assert JournalEntry.objects.filter(conversation=heard.conversation, kind="viewed").count() == 1


def test_an_hour_shows_its_distribution_as_a_chart_with_words(auditor, heard) -> None:
    hour = HourlyMetrics.objects.get()

    page = auditor.get(reverse("admin:assist_hourlymetrics_change", args=[hour.pk])).content

    assert b"<svg" in page
    assert b"Latency: 1 up to" in page
    assert b"50%" in page  # lines under 60 %


@pytest.mark.parametrize(("term", "rows"), [("agent-2", 1), ("call-1", 2), ("nobody", 0)])
def test_engagement_is_found_by_agent_or_conversation(auditor, heard, term, rows) -> None:
    found = auditor.get(reverse("admin:assist_engagement_changelist"), {"q": term})

    assert found.context["cl"].result_count == rows
