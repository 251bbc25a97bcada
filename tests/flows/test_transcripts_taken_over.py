"""Two real gateways share the transcripts; when one is killed the other takes its own over."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from conversations.models import Conversation, Message, StreamState
from tests.processes import Processes
from tests.simulators import SimulatorThread

pytestmark = pytest.mark.django_db(transaction=True)

CONVERSATIONS = 4


def held() -> Counter[str]:
    rows = StreamState.objects.filter(
        kind="transcript", state="live", lease_until__gt=timezone.now()
    )
    return Counter(rows.values_list("owner", flat=True))


def say(simulator: SimulatorThread, text: str) -> None:
    async def run() -> None:
        for number in range(CONVERSATIONS):
            conversation = simulator.world.conversation(f"conv-{number}")
            simulator.world.say_as_guest(conversation, text, language="ES")

    simulator.call(run())


def end_all(simulator: SimulatorThread) -> None:
    async def run() -> None:
        for conversation in list(simulator.world.conversations.values()):
            simulator.world.close_conversation(conversation)

    simulator.call(run())


def test_a_dead_gateways_transcripts_are_taken_over(
    processes: Processes, simulator_thread: SimulatorThread
):
    processes.environment |= {"TRANSCRIPT_STREAMS": "all"}
    gateways = [processes.start_gateway() for _ in range(2)]
    processes.wait_until(
        lambda: simulator_thread.world.socket_opened.is_set(), what="the org socket is open"
    )
    say(simulator_thread, "Hola")
    processes.wait_until(lambda: sum(held().values()) == CONVERSATIONS, what="all are followed")

    ((owner, _), *_) = held().most_common()
    (dead,) = [one for one in gateways if f"-{one.popen.pid}." in owner]
    dead.kill()
    # As if the life of its leases had passed already.
    StreamState.objects.filter(owner=owner).update(lease_until=timezone.now())
    processes.wait_until(
        lambda: sum(held().values()) == CONVERSATIONS and owner not in held(),
        what="the other one holds all",
        within_s=60,
    )
    end_all(simulator_thread)

    processes.wait_until(
        lambda: Conversation.objects.filter(state="closed").count() == CONVERSATIONS,
        what="all ends are recorded",
    )
    assert Message.objects.count() == CONVERSATIONS
