"""A wake-up is a courtesy: few of them, and whoever sends one is not held up by its broker."""

from __future__ import annotations

import threading
import time

import pytest

from conversations.signals import work_arrived
from translation import receivers


class Broker:
    """Stands for what publishing takes: at once, or never."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.answers = threading.Event()
        self.answers.set()

    def send(self) -> None:
        self.answers.wait(5)
        self.sent.append(time.monotonic())


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(receivers, "_APART_S", 3.0)
    monkeypatch.setattr(receivers, "_alarm", receivers._Alarm(broker.send))
    return broker


def wait_for(broker: Broker, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(broker.sent) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_burst_is_two_wake_ups_the_first_at_once(broker: Broker):
    begin = time.monotonic()
    work_arrived.send(sender=None)
    wait_for(broker, 1)
    for _ in range(50):
        work_arrived.send(sender=None)
    wait_for(broker, 2)
    time.sleep(0.5)

    assert len(broker.sent) == 2
    assert broker.sent[0] - begin < receivers._APART_S
    assert broker.sent[1] - broker.sent[0] >= receivers._APART_S


def test_a_broker_that_never_answers_holds_nobody_up(broker: Broker):
    broker.answers.clear()

    for _ in range(100):
        work_arrived.send(sender=None)

    assert broker.sent == []
    broker.answers.set()
    wait_for(broker, 1)
