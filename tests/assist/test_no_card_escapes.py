"""Of many Luhn-valid card numbers none reaches database, log, Redis, browser or knowledge service.

Real processes, real PostgreSQL and Redis; searched in all of them (reliability S12, S22). A small
share here; `python -m tests.assist.escapes --cards 10000` for all of them (part of `make soak`).
"""

from __future__ import annotations

import pytest

from conversations.services.verification import verify_journal
from tests.assist.escapes import flooded, hunt, killed_in_mid_call, numbers_in


@pytest.mark.parametrize(
    "escaped",
    [
        "card=4111111111111111",
        "4111 1111-1111\n1111",
        '{"a": "٤١١١", "b": 111111111111}',
        "four one one one one one one one one one one one one one one one",
        "es la cuatro uno uno uno, uno uno uno uno, uno uno uno uno, uno uno uno uno",
    ],
)
def test_what_has_escaped_would_be_found(escaped) -> None:
    numbers = ["4111111111111111", "5555555555554444"]

    assert numbers_in(f"before 12 {escaped} after", numbers) == ["4111111111111111"]


def test_what_was_taken_out_is_not_found() -> None:
    assert numbers_in("4111 1111 [CARD] one one one", ["4111111111111111"]) == []


@pytest.mark.timeout(180)
def test_no_card_number_reaches_anything(processes, simulator_thread) -> None:
    found = hunt(processes, simulator_thread, cards=150, rate=60.0)
    flood = flooded(simulator_thread, frames=3000)

    assert found.stored == found.said
    assert not found.escaped, found.escaped[:5]
    assert set(found.searched) == {"database", "log", "redis", "browser", "knowledge"}
    assert all(found.searched.values()), found.searched
    assert flood == "still heard"


@pytest.mark.timeout(180)
def test_a_gateway_killed_in_mid_call_loses_and_doubles_nothing_committed(
    processes, simulator_thread
) -> None:
    """The stream comes back by its lease in another process."""
    found = killed_in_mid_call(processes, simulator_thread)

    assert found.doubled == 0
    assert found.lost_of_committed == 0
    assert found.heard_after > 0
    assert verify_journal().holds
