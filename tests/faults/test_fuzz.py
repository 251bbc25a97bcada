"""What platform and provider may send by mistake or by malice is read or refused, never fatal."""

from __future__ import annotations

from tests.faults.fuzz import fuzz_bodies, fuzz_frames


def test_malformed_frames_become_events_that_a_database_can_hold():
    found = fuzz_frames(20_000)

    assert found.failures == []
    assert set(found.outcomes) == {
        "Malformed", "Ignored", "MessageReceived", "TypingChanged", "MessageRead"
    }  # fmt: skip


def test_malformed_answers_are_read_or_refused_by_our_own_errors():
    found = fuzz_bodies(5_000)

    assert found.failures == []
    for name in ("translations", "history", "active"):
        assert found.outcomes[f"{name}: read"]
        assert found.outcomes[f"{name}: InvalidAnswer"]
