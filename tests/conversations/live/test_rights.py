"""The re-check of those who watch: what it costs, however many they are."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.live import rights
from conversations.models import Agent
from tests.conversations import histories
from tests.conversations.live.histories import a_conversation

pytestmark = pytest.mark.django_db


def a_claim(name: str, role: str, **watched) -> rights.Claim:
    user = histories.user(name, role)
    if role == "agent":
        Agent.objects.create(user=user, external_id=name)
    client = Client()
    client.force_login(user)
    return rights.Claim(
        user_id=user.pk,
        session_key=client.cookies[settings.SESSION_COOKIE_NAME].value,
        session_hash=client.session[HASH_SESSION_KEY],
        **watched,
    )


def queries_of(claims: list[rights.Claim]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert rights.verdicts(claims) == {}
    return len(captured)


def test_twenty_viewers_are_asked_for_in_as_many_queries_as_two():
    watched = [a_conversation().pk for _ in range(20)]
    claims = [
        a_claim(f"sam-{number}", "supervisor", conversation=pk) for number, pk in enumerate(watched)
    ]

    assert queries_of(claims) == queries_of(claims[:2]) <= 5


def test_agents_are_judged_each_by_their_own_conversations():
    own = {name: a_conversation(agent_id=name).pk for name in ("alice", "bob")}
    right = [a_claim(name, "agent", conversation=pk) for name, pk in own.items()]
    wrong = a_claim("carol", "agent", conversation=own["bob"])

    assert rights.verdicts([*right, wrong]) == {wrong: 4403}


def test_a_session_of_somebody_else_does_not_count():
    pk = a_conversation().pk
    alice, bob = (a_claim(name, "supervisor", conversation=pk) for name in ("alice", "bob"))
    borrowed = rights.Claim(alice.user_id, bob.session_key, alice.session_hash, pk)

    assert rights.verdicts([borrowed]) == {borrowed: 4401}
