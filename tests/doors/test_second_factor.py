"""Sockets of a real web process hold to second factors as its pages do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Conversation, SecondFactor
from tests.conversations.live.histories import History, a_conversation
from tests.conversations.second_factors import set_up
from tests.doors.verdicts import SOCKETS
from tests.doors.visitors import Visitor, logged_in, session_cookie
from tests.processes import Processes
from tests.server_process import spare_port


@pytest.fixture
def address(processes: Processes) -> str:
    port = spare_port()
    processes.environment["ALLOWED_ORIGINS"] = f"http://127.0.0.1:{port}"
    processes.environment["SIMULATOR_PAGE"] = "true"
    processes.environment["SECOND_FACTOR_FOR"] = "admin"
    return processes.start_web(port=port)[1]


@pytest.fixture
def visitors(address: str) -> Iterator[dict[str, Visitor]]:
    """One of a role that needs it, without; one with it, and whose session is of before."""
    for name in ("own", "foreign"):
        History(a_conversation(name, agent_id="agent-1")).say()
    a_conversation("own-call", agent_id="agent-1", channel=Conversation.Channel.VOICE)
    made = {"without": Visitor(address, logged_in("admin"))}
    made["of before"] = Visitor(address, logged_in("supervisor"))
    supervisor = User.objects.get(username="supervisor")
    set_up(supervisor, timezone.now())
    made["with"] = Visitor(address, session_cookie(supervisor, SecondFactor.objects.get()))
    yield made
    for visitor in made.values():
        visitor.close()


def test_no_socket_opens_to_whoever_lacks_one_or_came_without_theirs(visitors: dict[str, Visitor]):
    found = {
        who: {door.address: visitor.listen(door) for door in SOCKETS}
        for who, visitor in visitors.items()
    }

    assert set(found["without"].values()) == {"no"}
    assert set(found["of before"].values()) == {"login"}
    assert found["with"] == {door.address: door.of("supervisor") for door in SOCKETS}
