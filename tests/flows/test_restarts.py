"""Gateway and workers killed without warning, under load: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from django.utils import timezone

from config.celery import app
from conversations.models import Conversation, Delivery, Message
from conversations.simulator.verdict import Verdict
from tests.flows.platform import Platform, assert_went_well
from tests.processes import Processes, RunningProcess

MESSAGES, CONVERSATIONS, RATE = 200, 20, 20.0
SETTLED_WITHIN_S = 75.0  # a lease of 15 s, HEAD_WAIT_S of 12 s, and noisy machines


def start(processes: Processes, platform: Platform) -> None:
    processes.start_gateway(ready=platform.is_watched)
    platform.load(messages=MESSAGES, conversations=CONVERSATIONS, rate=RATE)


def wait_until_emitted(processes: Processes, platform: Platform, count: int) -> None:
    processes.wait_until(lambda: platform.emitted() >= count, what=f"{count} are said")


def settle(processes: Processes, platform: Platform) -> Verdict:
    """Until nothing is left to do: the rows are the queue, and they say so."""
    processes.wait_until(
        lambda: (
            platform.load_is_done()
            and Message.objects.spoken().count() == platform.spoken()
            and not Message.objects.awaiting_translation().exists()
            and not Delivery.objects.unfinished().exists()
            and not Delivery.objects.awaiting_attributes().exists()
        ),
        what="nothing is left to do",
        within_s=SETTLED_WITHIN_S,
    )
    return platform.verdict()


@pytest.mark.timeout(150)
def test_a_killed_gateway_closes_its_gap(processes: Processes, platform: Platform):
    processes.start_worker()
    start(processes, platform)
    [_, gateway] = processes.running
    wait_until_emitted(processes, platform, 60)

    gateway.kill()
    wait_until_emitted(processes, platform, 110)
    unheard = Message.objects.filter(backfilled=True).count()
    processes.start_gateway()

    verdict = settle(processes, platform)
    assert Message.objects.filter(backfilled=True).count() - unheard >= 20
    assert_went_well(verdict)
    assert processes.run("verify_audit").returncode == 0


@pytest.mark.timeout(150)
def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    processes: Processes, platform: Platform
):
    """What was between sending and answer is found out, or put before a person: never guessed."""
    # Slow answers: there is always something in flight to be killed in.
    platform.add_faults({"where": "post", "kind": "slow", "probability": 1.0, "ms": 150})
    victim = processes.start_worker()
    start(processes, platform)
    wait_until_emitted(processes, platform, 60)
    processes.wait_until(lambda: platform.counts().get("applied", 0) >= 20, what="it delivers")

    in_flight = 0
    deadline = time.monotonic() + 10
    while not in_flight and time.monotonic() < deadline:
        in_flight = Delivery.objects.filter(state=Delivery.State.SENDING).count()
    victim.kill()
    processes.start_worker()

    verdict = settle(processes, platform)
    assert in_flight > 0
    review = Delivery.objects.under_review().count()
    assert verdict.doubled == verdict.out_of_order == verdict.loops == verdict.wrong_texts == []
    assert len(verdict.lost) <= review
    assert verdict.delivered + len(verdict.lost) == verdict.expected == MESSAGES
    assert verdict.wrong_attributes == []
    assert len(verdict.missing_puts) <= review
    states = set(Delivery.objects.values_list("state", flat=True))
    assert states <= {Delivery.State.CONFIRMED, Delivery.State.REVIEW}
    assert processes.run("verify_audit").returncode == 0


@pytest.mark.timeout(150)
def test_a_gateway_and_a_worker_that_stop_in_good_order_leave_no_doubt(
    processes: Processes, platform: Platform
):
    """A deployment under load: the new ones start, the old ones get SIGTERM."""
    old_worker = processes.start_worker()
    start(processes, platform)
    [_, old_gateway] = processes.running
    wait_until_emitted(processes, platform, 60)

    processes.start_worker()
    processes.start_gateway()
    assert old_worker.stop() == 0
    assert old_gateway.stop() == 0

    verdict = settle(processes, platform)
    assert_went_well(verdict)
    assert not Delivery.objects.under_review().exists()


@pytest.mark.timeout(150)
def test_children_that_are_killed_and_tasks_that_come_five_times_change_nothing(
    processes: Processes, platform: Platform
):
    """H1, H3: with the prefork pool each child has a drain; a task only wakes it."""
    platform.add_faults({"where": "post", "kind": "slow", "probability": 1.0, "ms": 100})
    worker = processes.start_worker(pool="prefork")
    start(processes, platform)
    wait_until_emitted(processes, platform, 40)
    # Celery gives up a pool of which a child dies before it is ready; then its supervisor is asked.
    processes.wait_until(lambda: "ready." in worker.output(), what="the pool is ready")

    for count in (60, 100):
        processes.wait_until(lambda: _kill_a_child_that_works(worker), what="a child works")
        wait_until_emitted(processes, platform, count)
        for name in ("rt.drain", "rt.renew_token", "sync.close_idle"):
            for _ in range(5):
                app.send_task(name)

    verdict = settle(processes, platform)
    review = Delivery.objects.under_review().count()
    assert worker.is_running
    assert verdict.doubled == verdict.out_of_order == verdict.loops == []
    assert len(verdict.lost) <= review
    assert verdict.delivered + len(verdict.lost) == verdict.expected == MESSAGES
    assert processes.run("verify_audit").returncode == 0


def _kill_a_child_that_works(worker: RunningProcess) -> bool:
    """One that idles may be killed by anybody. A lease names its owner's process id."""
    held = Conversation.objects.filter(lease_until__gt=timezone.now())
    owners = set(held.values_list("lease_owner", flat=True))
    working = {int(owner.split("-")[-2].partition(".")[0]) for owner in owners if owner}
    children = {child.pid for child in psutil.Process(worker.popen.pid).children()}
    for pid in working & children:
        os.kill(pid, signal.SIGKILL)
        return True
    return False
