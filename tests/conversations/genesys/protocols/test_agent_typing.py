"""When an agent's indicator is said and when it ends, for any keystrokes (protocol §5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.events import Ignored, Malformed
from conversations.genesys.protocols.agent_typing import (
    EXPIRY_S,
    THROTTLE_S,
    AgentTypingProtocol,
    Indicator,
)
from conversations.genesys.protocols.verdicts import (
    Close,
    End,
    GiveUp,
    Reconnect,
    RenewToken,
)

# 1/1024 s: whole numbers of it are exact as seconds too, so that boundaries are met exactly.
SECOND = 1024
THROTTLE, EXPIRY = round(THROTTLE_S * SECOND), round(EXPIRY_S * SECOND)
PAUSES = st.lists(
    st.one_of(
        st.integers(0, SECOND),
        st.sampled_from(
            [THROTTLE - 1, THROTTLE, THROTTLE + 1, EXPIRY - 1, EXPIRY, EXPIRY + 1],
        ),
        st.integers(2 * SECOND, 9 * SECOND),
    ),
    min_size=1,
    max_size=60,
)


def moments_of(pauses: list[int]) -> list[int]:
    moments, now = [], 10 * SECOND
    for pause in pauses:
        now += pause
        moments.append(now)
    return moments


def said_for(keys: list[int]) -> list[tuple[int, str]]:
    """What is said on an open socket whose owner asks whenever something is due."""
    protocol = AgentTypingProtocol("c", now=0.0)
    said: list[tuple[int, str]] = []

    def ask(now: int) -> None:
        said.extend((now, one.state) for one in protocol.take_due(now / SECOND))

    for moment in keys:
        end = _end_of(protocol)
        if end is not None and end <= moment:
            ask(end)
        protocol.keystroke("agent", at=moment / SECOND)
        ask(moment)
    end = _end_of(protocol)
    assert end is not None
    ask(end)
    assert protocol.due_at() is None
    return said


def _end_of(protocol: AgentTypingProtocol) -> int | None:
    due_at = protocol.due_at()
    return None if due_at is None else round(due_at * SECOND)


def bursts_of(keys: list[int]) -> list[tuple[int, int]]:
    """First keystroke and end of each stretch in which no pause was as long as the expiry."""
    bursts: list[tuple[int, int]] = []
    first = last = keys[0]
    for moment in [*keys[1:], None]:
        if moment is None or moment - last >= EXPIRY:
            bursts.append((first, last + EXPIRY))
            first = moment if moment is not None else first
        last = moment if moment is not None else last
    return bursts


@given(PAUSES)
def test_the_indicator_is_active_exactly_from_a_bursts_first_keystroke_to_3_s_after_its_last(
    pauses: list[int],
) -> None:
    keys = moments_of(pauses)

    said = said_for(keys)

    shown: list[tuple[int, int]] = []
    since: int | None = None
    for at, state in said:
        if state == "active" and since is None:
            since = at
        elif state == "inactive":
            assert since is not None, "taken back twice"
            shown.append((since, at))
            since = None
    assert since is None, "never taken back"
    assert shown == bursts_of(keys)


@given(PAUSES)
def test_at_most_one_active_in_500_ms_and_none_is_held_back_longer(pauses: list[int]) -> None:
    keys = moments_of(pauses)

    actives = [at for at, state in said_for(keys) if state == "active"]

    assert all(b - a >= THROTTLE for a, b in pairwise(actives))
    # Every keystroke has an indicator of the 500 ms before it, or its own.
    assert all(any(0 <= key - at < THROTTLE for at in actives) for key in keys)


@given(PAUSES)
def test_each_burst_is_taken_back_exactly_once(pauses: list[int]) -> None:
    keys = moments_of(pauses)

    ends = [at for at, state in said_for(keys) if state == "inactive"]

    assert ends == [end for _, end in bursts_of(keys)]


def test_a_report_that_is_late_counts_from_its_keystroke() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)

    protocol.keystroke("agent", at=10.0)
    first = protocol.take_due(10.4)
    protocol.keystroke("agent", at=10.2)  # typed before the indicator was sent, heard after it
    second = protocol.take_due(10.6)

    assert [one.state for one in first] == ["active"]
    assert second == []
    assert protocol.due_at() == pytest.approx(13.2)


def test_two_agents_of_one_conversation_are_told_apart() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)

    protocol.keystroke("first", at=1.0)
    protocol.keystroke("second", at=3.0)

    assert protocol.take_due(3.0) == [Indicator("first", "active"), Indicator("second", "active")]
    assert protocol.take_due(4.0) == [Indicator("first", "inactive")]
    assert protocol.take_all_ends() == [Indicator("second", "inactive")]
    assert not protocol.is_typing


def test_an_end_that_got_lost_with_its_connection_is_said_on_the_next_one() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)
    protocol.keystroke("agent", at=1.0)
    protocol.take_due(1.0)
    lost = protocol.take_due(4.0)

    protocol.unsaid(lost)
    protocol.opened()

    assert protocol.take_due(9.0) == [Indicator("agent", "inactive")]
    assert protocol.due_at() is None


def test_what_is_still_true_is_said_again_on_a_new_connection() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)
    protocol.keystroke("agent", at=1.0)
    protocol.take_due(1.0)

    protocol.opened()

    assert protocol.take_due(1.2) == [Indicator("agent", "active")]


def test_a_frame_has_exactly_the_documented_fields() -> None:
    protocol = AgentTypingProtocol("conv-1", now=0.0)
    at = datetime(2024, 6, 15, 10, 30, 0, 120_000, tzinfo=UTC)

    frame = json.loads(protocol.frame(Indicator("agent-1", "active"), at=at))

    assert frame == {
        "type": "typing",
        "conversationId": "conv-1",
        "senderId": "agent-1",
        "timestamp": "2024-06-15T10:30:00.120Z",
        "state": "active",
    }


def test_what_the_platform_says_there_is_of_no_use_and_harms_nothing() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)

    assert protocol.frame_received('{"type":"ack"}') == Ignored("ack")
    assert isinstance(protocol.frame_received(b"\x00"), Malformed)
    assert isinstance(protocol.frame_received("[1]"), Malformed)
    assert json.loads(protocol.keep_alive()) == {"type": "keepalive"}
    assert protocol.first_frames() == ()


VERDICTS = [
    *[(Close(code), Reconnect) for code in (1001, 1005, 1006, 1011, 1012, 1013, 4000)],
    (Close(None), Reconnect),
    (Close(1000), End),
    (Close(1008), RenewToken),
    (Close(4403), GiveUp),
    (Close(None, http_status=401), RenewToken),
    (Close(None, http_status=403), GiveUp),
    (Close(None, http_status=404), End),
    (Close(None, http_status=503), Reconnect),
]


@pytest.mark.parametrize(("close", "kind"), VERDICTS, ids=str)
def test_a_close_is_judged(close: Close, kind: type) -> None:
    assert isinstance(AgentTypingProtocol("c", now=0.0).verdict(close), kind)


def test_a_busy_platform_says_how_long_to_wait() -> None:
    verdict = AgentTypingProtocol("c", now=0.0).verdict(
        Close(None, http_status=429, retry_after_s=9.0)
    )

    assert verdict == Reconnect("handshake answered with 429", at_least_s=9.0)


def test_a_refusal_names_the_missing_scope() -> None:
    verdict = AgentTypingProtocol("c", now=0.0).verdict(Close(None, http_status=403))

    assert isinstance(verdict, GiveUp)
    assert "webmessaging:send" in verdict.reason
