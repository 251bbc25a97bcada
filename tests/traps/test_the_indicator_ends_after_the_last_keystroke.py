"""TRAP (protocol §5): an expiry measured from the last indicator that was sent goes inactive while
the agent types.
"""

from __future__ import annotations

from conversations.genesys.protocols.agent_typing import AgentTypingProtocol


def test_an_agent_who_goes_on_typing_within_the_throttle_stays_active() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)
    protocol.keystroke("agent", at=0.0)
    said = [(0.0, one.state) for one in protocol.take_due(0.0)]

    protocol.keystroke("agent", at=0.4)  # throttled: no indicator of its own
    for now in (2.9, 3.0, 3.1, 3.39, 3.4):
        said += [(now, one.state) for one in protocol.take_due(now)]

    assert said == [(0.0, "active"), (3.4, "inactive")]


def test_a_steady_typist_is_never_taken_back() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)
    said = []

    for tenth in range(200):
        protocol.keystroke("agent", at=tenth / 10)
        said += [one.state for one in protocol.take_due(tenth / 10)]

    assert set(said) == {"active"}
