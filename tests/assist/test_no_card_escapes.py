"""Of many Luhn-valid card numbers none reaches database, log, Redis, browser or knowledge service.

Real processes, real PostgreSQL and Redis; searched in all of them (reliability S12, S22). A small
share here; `python -m tests.assist.escapes --cards 10000` for all of them (part of `make soak`).
"""

from __future__ import annotations

import pytest

from tests.assist.escapes import flooded, hunt, killed_in_mid_call


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
    assert processes.run("verify_audit").returncode == 0
