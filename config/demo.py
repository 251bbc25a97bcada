"""The demo's users: one for each role, with one password that is made at first start."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from conversations.access import ADMIN, AGENT, COMPLIANCE, SUPERVISOR
from conversations.models import Agent

# User name → role. The agent is the one that the demo's scenarios speak with.
USERS = {"admin": ADMIN, "supervisor": SUPERVISOR, "compliance": COMPLIANCE, "agent": AGENT}


def ensure_users(password: str, *, agent_id: str) -> None:
    """Create the demo users that are missing; those that exist are left as they are."""
    for name, role in USERS.items():
        if not get_user_model().objects.filter(username=name).exists():
            user = get_user_model().objects.create_user(name, password=password)
            user.groups.add(Group.objects.get(name=role))
    agent = get_user_model().objects.get(username="agent")
    Agent.objects.get_or_create(user=agent, defaults={"external_id": agent_id})
