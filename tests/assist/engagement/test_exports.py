"""Engagement as an export: every row of a time, figures alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from assist.engagement.exports import COLUMNS, EngagementFigures
from assist.models import Interaction
from conversations.exports.base import Scope
from tests.assist.engagement.makings import talk, type_in

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BEN = "agent-anna", "agent-ben"


def exported(*arguments: str) -> list[dict]:
    out = StringIO()
    call_command("export", "engagement", "--output", "-", *arguments, stdout=out,
                 stderr=StringIO())  # fmt: skip
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_row_has_the_figures_of_an_agent_in_a_conversation_on_a_day():
    one = talk("conv-1", ("guest", 0), (ANNA, 50), (ANNA, 60), (BEN, 70), start=START)
    type_in(one, ANNA, keystrokes=50, start=START, active_s=20, pause_s=25)
    Interaction.objects.create(
        conversation=one, since=START, ask_at=START, state="known", started_at=START,
        channel_type="webchat",
    )  # fmt: skip

    anna, ben = exported()

    assert tuple(anna) == COLUMNS
    assert anna == {
        "conversation_id": "conv-1",
        "agent_id": ANNA,
        "day": "2026-03-02",
        "total_keystrokes": 51,
        "duration_ms": 45_000,
        "active_typing_ms": 20_000,
        "estimated_wpm": 14,  # 10.2 words in 45 s: 13.6
        "active_wpm": 31,
        "bursts": 2,
        "first_keystroke_at": "2026-03-02T09:00:00.000000+00:00",
        "last_keystroke_at": "2026-03-02T09:00:45.000000+00:00",
        "messages": 2,
        "average_interval_s": 10.0,
        "responses": 1,
        "first_response_ms": 50_000,
        "average_response_ms": 50_000,
        "last_activity_at": "2026-03-02T09:01:00.000000+00:00",
        "interaction_started_at": "2026-03-02T09:00:00.000000+00:00",
        "interaction_ended_at": None,
        "interaction_channel": "webchat",
    }
    assert (ben["total_keystrokes"], ben["estimated_wpm"], ben["first_response_ms"]) == (0, 0, None)


def test_it_reads_in_pages_and_keeps_to_its_scope():
    for number in range(5):
        talk(f"conv-{number}", ("guest", 0), (ANNA, 5), start=START + timedelta(days=number))

    pages = EngagementFigures().pages(Scope(), size=2)
    rows = [row for page in pages for row in page.rows]

    assert [row["conversation_id"] for row in rows] == [f"conv-{number}" for number in range(5)]
    assert [row["day"] for row in exported("--conversation", "conv-3")] == ["2026-03-05"]
    some = exported("--since", "2026-03-03", "--until", "2026-03-05")
    assert [row["day"] for row in some] == ["2026-03-03", "2026-03-04"]
