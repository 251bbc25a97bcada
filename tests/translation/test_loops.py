"""A loop with another system ends by itself, and a person is told (reliability C11)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Delivery
from tests.translation.workers import working
from translation import drain
from translation.loops import WINDOW_S, LoopGuard, LoopGuards

State = Delivery.State


def test_so_many_start_within_a_minute_and_the_next_one_when_the_first_is_a_minute_ago():
    now = [1000.0]
    guard = LoopGuard(3, monotonic=lambda: now[0])

    first = [guard.take() for _ in range(5)]
    now[0] += WINDOW_S - 0.1
    early = guard.take()
    now[0] += 0.2
    late = [guard.take() for _ in range(4)]

    assert first == [True, True, True, False, False]
    assert not early
    assert late == [True, True, True, False]


def test_a_guard_is_kept_for_its_minute_and_no_longer():
    now = [1000.0]
    guards = LoopGuards()

    def of(conversation_id: int) -> LoopGuard:
        return guards.of(conversation_id, 1, monotonic=lambda: now[0])

    assert of(1).take()
    now[0] += WINDOW_S / 2
    assert of(2).take()
    assert not of(1).take()
    now[0] += WINDOW_S / 2
    assert of(3).take()
    now[0] += WINDOW_S / 2
    assert of(4).take()

    assert not of(3).take()
    assert list(guards._guards) == [4, 3]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ease", [8, 0], ids=["at ease", "busy"])
async def test_a_console_that_translates_back_whatever_we_deliver_is_stopped(
    simulator: Any, monkeypatch: pytest.MonkeyPatch, ease: int
):
    """It answers as the guest, in the guest's language: no echo check can know that. A busy worker
    keeps no lane for the next message."""
    monkeypatch.setattr(drain, "_EASE_LANES", ease)
    async with working(simulator, deliveries_per_minute=5) as worker:
        await worker.hear_guest("hola 0")
        for answer in range(1, 12):
            await worker.until_idle()
            if len(worker.posts()) < answer:
                break
            await worker.hear_guest(f"hola {answer}")
        await worker.until_idle()
        await worker.hear_guest("hola?")
        await worker.until_idle()

        states = await worker.crossing.call(
            lambda: list(Delivery.objects.order_by("message__seq").values_list("state", "reason"))
        )
        assert len(worker.posts()) == 5
        assert [state for state, _ in states] == [State.CONFIRMED] * 5 + [State.REVIEW] * 2
        assert "another system" in states[-1][1]


@pytest.mark.django_db(transaction=True)
async def test_one_conversation_over_its_limit_holds_up_no_other(simulator: Any):
    async with working(simulator, deliveries_per_minute=2) as worker:
        await worker.hear_guest("uno", "dos", "tres", conversation="conv-1")
        await worker.hear_guest("cuatro", conversation="conv-2")
        await worker.until_idle()

        assert sorted(worker.posts()) == ["EN cuatro", "EN dos", "EN uno"]
