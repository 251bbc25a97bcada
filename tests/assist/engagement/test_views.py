"""The engagement page: whose figures, which days, and what stands there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from assist.models import Interaction
from conversations.models import Agent
from tests.assist.engagement.makings import talk, type_in
from tests.conversations import histories

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAYS = "?since=2026-03-01&until=2026-03-03"
ANNA, BEN = "agent-anna", "agent-ben"


@pytest.fixture(autouse=True)
def two_agents(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    one = talk("conv-1", ("guest", 0), (ANNA, 50), (ANNA, 60), start=START)
    other = talk("conv-2", ("guest", 0), (BEN, 7), start=START + timedelta(days=1))
    type_in(one, ANNA, keystrokes=50, start=START, active_s=20, pause_s=40)
    type_in(other, BEN, keystrokes=31, start=START + timedelta(days=1))
    Interaction.objects.create(
        conversation=one, since=START, ask_at=START, state=Interaction.State.KNOWN,
        started_at=START, ended_at=START + timedelta(minutes=5), channel_type="webchat",
    )  # fmt: skip


def log_in(client: Client, name: str, role: str, *, agent: str = "") -> None:
    user = histories.user(name, role)
    if agent:
        Agent.objects.create(user=user, external_id=agent)
    client.force_login(user)


def page(client: Client, query: str = DAYS) -> str:
    answer = client.get(f"/engagement/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_a_supervisor_sees_everybodys_figures_by_agent_and_day(client):
    log_in(client, "sam", "supervisor")
    histories.user("anna").agent = Agent.objects.create(
        user=histories.user("anna.a"), external_id=ANNA
    )

    found = page(client)

    assert f'href="?agent={ANNA}' in found
    said = words(found)
    # 51 keystrokes: 10.2 words in 20 s are 31 a minute, in 60 s with the pause 10.
    assert "anna.a agent-anna 51 20.0 s 1 min 00 s 31 10 elapsed 2 10.0 s 50.0 s 50.0 s" in said
    assert "agent-ben 31 10.0 s 10.0 s 37 37 elapsed 1 – 7.0 s 7.0 s" in said
    assert "webchat 2026-03-02 09:00:00 UTC" in said
    assert "2026-03-02 50.0 – 2026-03-03 – 7.0" in said  # response: a row a day, a column an agent
    assert 'data-value="31.0"' in found


def test_an_agent_sees_their_own_figures_whatever_they_ask_for(client):
    log_in(client, "ben", "agent", agent=BEN)

    for query in (DAYS, f"{DAYS}&agent={ANNA}"):
        found = page(client, query)
        assert BEN in found
        assert ANNA not in found
        assert "<select" not in found


def test_an_agent_without_an_id_sees_nobodys(client):
    log_in(client, "new", "agent")

    assert "You have not typed or answered in these days." in page(client)


def test_the_filter_narrows_to_one_agent_and_to_days(client):
    log_in(client, "sam", "supervisor")

    assert "conv-2" not in words(page(client, f"{DAYS}&agent={ANNA}"))
    assert ANNA not in page(client, "?since=2026-03-03&until=2026-03-03")
    assert "Nobody has typed or answered" in page(client, "?since=2025-01-01&until=2025-01-02")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("?since=yesterday", "A day is written like"),
        ("?since=2026-03-05&until=2026-03-01", "The first day is after the last"),
        ("?since=2020-01-01&until=2026-03-03", "At most 92 days fit here"),
        ("?until=0001-01-01", "A day is written like"),
        ("?agent=%00%27%22", ""),
    ],
)
def test_what_cannot_be_meant_is_said_and_the_page_opens(client, query, problem):
    log_in(client, "sam", "supervisor")

    assert problem in page(client, query)


def test_it_takes_few_queries_whatever_there_is(client, django_assert_max_num_queries):
    log_in(client, "sam", "supervisor")
    for number in range(8):
        talk(f"more-{number}", ("guest", 0), (f"agent-{number}", 5), start=START)
    page(client)

    with django_assert_max_num_queries(18):
        found = page(client)

    assert "4 more are in the table below" in found


def test_switched_off_counting_is_said(client, settings):
    settings.COUNT_KEYSTROKES = False
    log_in(client, "sam", "supervisor")

    assert "Keystrokes are not counted here" in page(client)
