"""Who may do what, as one table: Alice has the role, nobody else's rights follow from it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from conversations.access import _ALLOWED, GROUPS, can, visible_conversations
from conversations.models import Agent, Conversation
from tests.conversations import histories
from tests.conversations.services.wire import AGENT, event, record

pytestmark = pytest.mark.django_db

MATRIX = {
    "agent": {"live", "reply", "assist", "simulator", "engagement"},
    "supervisor": {"live", "assist", "simulator", "engagement", "operations", "review"},
    "compliance": {"audit", "export", "hold", "erase", "verify"},
    "admin": {
        "live",
        "assist",
        "simulator",
        "engagement",
        "operations",
        "review",
        "audit",
        "verify",
        "settings",
    },
}
ACTIONS = tuple(_ALLOWED)


def allowed(user) -> set[str]:
    return {action for action in ACTIONS if can(user, action)}


@pytest.fixture
def two_conversations() -> None:
    for number in (1, 2):
        sender = type(AGENT)(f"agent-{number}", "agent", "Tom")
        record(event("Hi", sender=sender, conversation=f"conv-{number}"))


def seen_by(user) -> set[str]:
    return set(visible_conversations(user).values_list("external_id", flat=True))


@pytest.mark.parametrize("role", GROUPS)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: str):
    assert allowed(histories.user("alice", role)) == MATRIX[role]


def test_two_roles_add_up():
    bob = histories.user("bob", "agent", "compliance")

    assert allowed(bob) == MATRIX["agent"] | MATRIX["compliance"]


def test_a_superuser_may_do_all_of_it_but_speak_for_an_agent():
    assert allowed(histories.user("root", is_superuser=True)) == set(ACTIONS) - {"reply"}


@pytest.mark.parametrize("groups", [(), ("editors",)])
def test_without_a_role_nothing_is_allowed(groups: tuple[str, ...]):
    assert allowed(histories.user("carol", *groups, is_staff=True)) == set()


def test_whoever_has_left_may_do_nothing(two_conversations):
    gone = histories.user("dave", "admin", is_active=False, is_superuser=True)

    assert allowed(gone) == set()
    assert seen_by(gone) == set()


def test_a_stranger_may_do_nothing(two_conversations):
    assert allowed(AnonymousUser()) == set()
    assert seen_by(AnonymousUser()) == set()


def test_an_unknown_action_is_refused_to_everybody():
    assert not can(histories.user("root", is_superuser=True), "erase everything")


@pytest.mark.parametrize("role", ["supervisor", "admin"])
def test_those_who_watch_the_floor_see_every_conversation(role: str, two_conversations):
    assert seen_by(histories.user("alice", role)) == {"conv-1", "conv-2"}


def test_an_agent_sees_their_own_conversations_only(two_conversations):
    tom = histories.user("tom", "agent")
    Agent.objects.create(user=tom, external_id="agent-1")

    assert seen_by(tom) == {"conv-1"}


def test_an_agent_who_is_linked_to_nobody_sees_nothing(two_conversations):
    Conversation.objects.filter(external_id="conv-2").update(agent_id="")

    assert seen_by(histories.user("tom", "agent")) == set()


def test_an_agent_with_an_empty_id_does_not_own_what_nobody_has_taken(two_conversations):
    Conversation.objects.update(agent_id="")
    tom = histories.user("tom", "agent")
    Agent.objects.create(user=tom, external_id="")

    assert seen_by(tom) == set()


def test_compliance_does_not_watch_live(two_conversations):
    assert seen_by(histories.user("eve", "compliance")) == set()
