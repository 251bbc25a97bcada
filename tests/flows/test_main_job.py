"""The main job, whole: what guests write is translated, delivered once and in order, and proved.

The simulator's ledger is the judge; it shares no code with what it judges.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from conversations.models import Delivery, Message
from tests.flows.platform import Platform, assert_went_well
from tests.processes import Processes

NO_IDS = {"ids_in_events": False, "ids_in_answers": False}
EARLY_ECHOES = [{"where": "post", "kind": "early_echo", "probability": 0.5, "ms": 300}]
REPEATED = [
    {"where": "socket", "kind": "duplicate", "probability": 0.3},
    {"where": "post", "kind": "duplicate_echo", "probability": 0.3},
]


def start_all(processes: Processes, platform: Platform, *, workers: int) -> None:
    """All at once: what is not there yet finds in the rows what it missed."""
    for _ in range(workers):
        processes.start_worker()
    gateway = processes.start_gateway()
    processes.wait_until(platform.is_watched, what="the gateway holds the socket", of=gateway)


def speak(
    processes: Processes, platform: Platform, *, messages: int, conversations: int, rate: float
) -> None:
    platform.load(messages=messages, conversations=conversations, rate=rate)
    within_s = messages / rate + 30
    processes.wait_until(platform.is_served, what="all is delivered", within_s=within_s)
    processes.wait_until(
        lambda: (
            Message.objects.spoken().count() == platform.spoken()
            and not Delivery.objects.unfinished().exists()
            and not Delivery.objects.awaiting_attributes().exists()
        ),
        what="all is recorded",
    )


@pytest.mark.timeout(180)
def test_a_thousand_messages_are_translated_delivered_recorded_and_proved(
    processes: Processes, platform: Platform
):
    start_all(processes, platform, workers=2)
    processes.start_web()

    speak(processes, platform, messages=1000, conversations=40, rate=50)

    assert_went_well(platform.verdict())
    assert set(Delivery.objects.values_list("state", flat=True)) == {"confirmed"}
    assert_recorded(processes, platform)


@pytest.mark.parametrize(
    ("simulator_thread", "faults"),
    [
        pytest.param(NO_IDS, [], id="no-ids"),
        pytest.param({}, EARLY_ECHOES, id="early-echoes"),
        pytest.param({}, REPEATED, id="repeated-events"),
        pytest.param(NO_IDS, EARLY_ECHOES + REPEATED, id="all-of-it"),
    ],
    indirect=["simulator_thread"],
)
def test_it_goes_as_well_on_a_platform_that(
    processes: Processes, platform: Platform, faults: list[dict[str, Any]]
):
    """… gives no ids, echoes before it answers, repeats its events, or does all of that."""
    platform.add_faults(*faults)
    start_all(processes, platform, workers=1)

    speak(processes, platform, messages=150, conversations=10, rate=25)

    assert_went_well(platform.verdict())
    assert bool(platform.fired()) is bool(faults)
    assert_recorded(processes, platform)


def assert_recorded(processes: Processes, platform: Platform) -> None:
    verified = processes.run("verify_audit")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    exported = processes.run("export", "transcripts", "--format", "jsonl", "--output", "-")
    assert exported.returncode == 0, exported.stderr
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert len(rows) == platform.spoken()
    guests = [row for row in rows if row["direction"] == "guest_to_agent"]
    assert len(guests) == platform.counts()["guest"]
    for row in guests:
        assert row["delivered_text"] == row["translated_text"]
        assert row["attributes_after"]["originalText"] == row["original_text"]
