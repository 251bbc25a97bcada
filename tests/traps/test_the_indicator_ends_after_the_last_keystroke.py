"""TRAP (protocol §5): an expiry measured from the last indicator that was sent goes inactive while
the agent types.
"""

from __future__ import annotations

from conversations.genesys.protocols.agent_typing import AgentTypingProtocol


def test_an_agent_who_goes_on_typing_within_the_throttle_stays_active() -> None:
    protocol = AgentTypingProtocol("c", now=0.0)
    protocol.keystroke("agent", at=8.0)
    said = [(8.0, one.state) for one in protocol.take_due(8.0)]

    protocol.keystroke("agent", at=8.25)  # throttled: no indicator of its own
    for now in (10.9, 11.0, 11.1, 11.249, 11.25, 11.3):
        said += [(now, one.state) for one in protocol.take_due(now)]

    assert said == [(8.0, "active"), (11.25, "inactive")]
