"""A protocol that subscribes is live only once the platform has accepted."""

from __future__ import annotations

from conversations.genesys.connection import Life, hold_connection
from conversations.genesys.events import Refused
from conversations.genesys.protocols.transcription import TranscriptionProtocol
from conversations.genesys.protocols.verdicts import Close, GiveUp, Reconnect
from tests.conversations.genesys.protocols.test_subscription import a_subscription
from tests.conversations.genesys.sockets import QUICK, socket_server


class Held:
    """What one connection did."""

    def __init__(self) -> None:
        self.protocol = TranscriptionProtocol(a_subscription())
        self.protocol.ACCEPTED_WITHIN_S = 0.3
        self.life = Life()
        self.opened = False
        self.events: list = []

    async def to(self, url: str) -> Close:
        return await hold_connection(
            url,
            name="test",
            headers={},
            protocol=self.protocol,
            on_open=self._open,
            on_event=self._event,
            life=self.life,
            timing=QUICK,
        )

    async def _open(self) -> None:
        self.opened = True

    async def _event(self, event) -> None:
        self.events.append(event)


async def test_it_is_open_after_subscribed_and_not_before() -> None:
    held = Held()

    async def handler(peer) -> None:
        assert '"type":"subscribe"' in await peer.recv()
        assert not held.opened
        await peer.send('{"type":"subscribed"}')
        await peer.send('{"type":"news"}')

    async with socket_server(handler) as url:
        close = await held.to(url)

    assert held.opened
    assert held.life.frames == 1  # the answer is no frame that was delivered
    assert close == Close(1000)


async def test_a_refusal_is_no_sound_connection() -> None:
    held = Held()

    async def handler(peer) -> None:
        await peer.recv()
        await peer.send('{"type":"error","message":"403 scope"}')
        await peer.recv()

    async with socket_server(handler) as url:
        close = await held.to(url)

    assert not held.opened
    assert held.life.frames == 0
    assert isinstance(held.protocol.verdict(close), GiveUp)


async def test_no_answer_in_time_is_an_error() -> None:
    held = Held()

    async def handler(peer) -> None:
        async for _ in peer:  # keep-alives come, and nothing is answered
            pass

    async with socket_server(handler) as url:
        close = await held.to(url)

    assert not held.opened
    assert held.protocol.verdict(close) == Reconnect("no answer to the subscription")


async def test_an_error_later_ends_the_connection() -> None:
    held = Held()

    async def handler(peer) -> None:
        await peer.recv()
        await peer.send('{"type":"subscribed"}')
        await peer.send('{"type":"error","message":"oops"}')
        await peer.recv()

    async with socket_server(handler) as url:
        close = await held.to(url)

    assert held.opened
    assert held.events[-1] == Refused("oops")
    assert isinstance(held.protocol.verdict(close), Reconnect)
