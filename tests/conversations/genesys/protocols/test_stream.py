"""Whatever the driver drives has the shape that it expects."""

from __future__ import annotations

from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.genesys.protocols.stream import StreamProtocol


def test_the_messaging_protocol_fits_the_driver() -> None:
    protocol: StreamProtocol = MessagingProtocol()

    assert tuple(protocol.first_frames()) == ()
    assert protocol.keep_alive() == '{"type":"keepalive"}'
    assert protocol.KEEP_ALIVE_S == 25
