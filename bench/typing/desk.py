"""Agents with conversations of their own: `python -m bench.typing.desk`, a JSON command a line."""

from __future__ import annotations

import json
import sys
from typing import Any


def prepare(agents: int, conversations: int) -> dict[str, Any]:
    """So many open conversations, the first ones with an agent each; the agents' cookies."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client
    from django.utils import timezone

    from conversations.models import Agent, Conversation

    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(
            external_id=f"typing-{number:04d}",
            agent_id=f"typist-{number:04d}" if number < agents else "",
            created_at=now,
            last_event_at=now,
        )
        for number in range(conversations)
    )
    group, _ = Group.objects.get_or_create(name="agent")
    cookies = {}
    for number in range(agents):
        user = get_user_model().objects.create(username=f"typist-{number:04d}")
        user.groups.add(group)
        Agent.objects.create(user=user, external_id=f"typist-{number:04d}")
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        cookies[f"typing-{number:04d}"] = f"{name}={client.cookies[name].value}"
    return {"cookies": cookies}


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        command = json.loads(line)
        answer = prepare(command["agents"], command["conversations"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
