"""What the operations page and the metrics say of regular work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assist.models import Interaction, Round
from assist.operations import EngagementRounds
from assist.services import rounds
from tests.conversations.histories import conversation, user

pytestmark = pytest.mark.django_db


def lines():
    return EngagementRounds().lines(timezone.now())


def test_before_the_first_run_it_says_so():
    assert [line.words for line in lines()] == ["has not run yet", "has not run yet"]


def test_it_counts_what_waits_and_what_was_given_up(client, settings):
    settings.SECURE_SSL_REDIRECT = False
    now = timezone.now()
    states = ("waiting", "running", "waiting", "known", "given_up", "given_up")
    for number, state in enumerate(states):
        since = now - timedelta(minutes=10 * number, days=30 if number == 5 else 0)
        one = conversation(f"conv-{number}", messages=1)
        Interaction.objects.create(conversation=one, state=state, since=since, ask_at=now)
    Round.objects.create(name="enrichment", began_at=now, finished_at=now, done=7)

    line = lines()[0]

    assert (line.waiting, line.given_up, line.done) == (2, 1, 7)
    assert line.oldest_at == now - timedelta(minutes=20)
    assert (line.words, line.tone) == ("well", "ok")
    client.force_login(user("sam", "supervisor"))
    page = client.get("/operations/").content.decode()
    assert "Start, end and channel" in page
    assert "7 done" in page
    figures = client.get("/metrics").content.decode()
    assert 'parley_round_waiting{round="enrichment"} 2.0' in figures


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"began": -400}, "does not run"),
        ({"began": -40, "reason": "not applied: status 502"}, "with errors"),
        ({"began": -40, "not_before": 60, "reason": "429"}, "asked to wait"),
        ({"began": -10, "lease_until": 50}, "running"),
    ],
)
def test_it_says_how_it_is(changes, words):
    now = timezone.now()
    moments = {
        name: now + timedelta(seconds=changes[key])
        for name, key in (
            ("began_at", "began"),
            ("not_before", "not_before"),
            ("lease_until", "lease_until"),
        )
        if key in changes
    }
    Round.objects.create(name="enrichment", reason=changes.get("reason", ""), **moments)

    line = lines()[0]

    assert line.words == words
    assert (line.resumes_at is not None) is ("not_before" in changes)


def test_whoever_has_lost_the_round_says_nothing_more():
    now = timezone.now()
    assert rounds.begin("x", owner="a", every=timedelta(), now=now)
    later = now + rounds.LEASE + timedelta(seconds=1)
    assert rounds.begin("x", owner="b", every=timedelta(), now=later)

    rounds.put_off("x", owner="a", until=later + timedelta(hours=1), reason="late")
    rounds.end("x", owner="a", now=later, done=5)

    row = Round.objects.get()
    assert (row.owner, row.not_before, row.reason) == ("b", None, "")
