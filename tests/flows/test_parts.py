"""C16: a worker dies between the parts of a long text, and after one of them was posted."""

from __future__ import annotations

import re

import pytest

from conversations.models import Delivery, Message
from conversations.services.verification import verify_journal
from tests.flows.platform import Platform
from tests.processes import Processes, RunningProcess

TEXT = ". ".join(f"La frase número {number} está aquí" for number in range(1, 7)) + "."
WORKER = ["-m", "celery", "-A", "config", "worker", "-Q", "rt", "-P", "threads", "-c", "2"]


def start_worker(processes: Processes, fault: str) -> RunningProcess:
    command = ["-m", "tests.faults.armed", *WORKER]
    return processes.start("worker", command, environment={"FAULT_POINTS": fault})


def dies(worker: RunningProcess) -> bool:
    return not worker.is_running


@pytest.mark.timeout(150)
@pytest.mark.parametrize("simulator_thread", [{"text_limit": 60}], indirect=True)
def test_its_parts_stand_there_once_and_in_order(processes: Processes, platform: Platform):
    """Whole and half are refused: what is sent third is the first part that is taken."""
    processes.start_gateway(ready=platform.is_watched)
    first = start_worker(processes, "K5:4:kill")  # before the second part is `sending`
    platform.say(TEXT, conversation="conv-1")
    processes.wait_until(lambda: dies(first), what="the first worker dies")
    between = Delivery.objects.get(part_of=None)
    second = start_worker(processes, "K8:1:kill")  # posted, and the answer not stored
    processes.wait_until(lambda: dies(second), what="the second worker dies")
    start_worker(processes, "")

    processes.wait_until(
        lambda: Delivery.objects.filter(part_of=None, attributes_state="written").exists(),
        what="all of it is there",
        within_s=60,
    )

    assert between.state == Delivery.State.QUEUED
    assert between.part_from > 0
    posts = platform.get("/ledger", kind="post")["entries"]
    parts = [post["text"] for post in posts if post["applied"]]
    translated = Message.objects.get(origin="guest").texts.get(role="translated").text
    assert _words(" ".join(parts)) == _words(translated)
    assert len(parts) == 1 + Delivery.objects.exclude(part_of=None).count()
    processes.wait_until(
        lambda: Message.objects.filter(origin="injected").count() == len(parts),
        what="every echo is known for one",
    )
    assert Message.objects.count() == 1 + len(parts)
    assert verify_journal().holds


def _words(text: str) -> list[str]:
    return re.findall(r"\S+", text)
