"""TRAP (protocol §2): ten messages a second means any second, not the calendar's.

A window that forgets its newest entry, or starts afresh with each second, lets through twenty
around its turn.
"""

from __future__ import annotations

from conversations.genesys.limits import SlidingWindow


def test_ten_late_in_one_second_leave_no_room_early_in_the_next():
    window = SlidingWindow(period_s=1.0)
    for step in range(10):
        assert window.wait_s(0.9 + step / 100) == 0
        window.sent(0.9 + step / 100)

    assert round(window.wait_s(1.0), 6) == 0.9
    assert window.wait_s(1.9) == 0


def test_the_oldest_is_forgotten_and_not_the_newest():
    window = SlidingWindow(period_s=1.0)
    for step in range(30):
        window.sent(step * 0.1)

    # Of thirty, the tenth from the end decides: it went at 2.0.
    assert round(window.wait_s(2.95), 6) == 0.05
