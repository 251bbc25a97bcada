"""One socket from open to close: limits, dead peers, keep-alive, back-pressure."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from websockets.server import ServerProtocol

from conversations.genesys.connection import Life, hold_connection
from conversations.genesys.events import Event, Malformed
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.genesys.protocols.verdicts import Close
from tests.conversations.genesys.sockets import QUICK, TYPING, socket_server
from tests.conversations.net.raw_server import Peer, RawServer, serving


async def nothing(*_: object) -> None:
    return None


async def hold(url: str, *, on_event=nothing, timing=QUICK) -> Close:
    return await hold_connection(
        url,
        name="test",
        headers={},
        protocol=MessagingProtocol(),
        on_open=nothing,
        on_event=on_event,
        life=Life(),
        timing=timing,
    )


async def test_a_keep_alive_is_sent_beside_the_pings() -> None:
    received = []

    async def handler(peer) -> None:
        received.append(await peer.recv())
        received.append(await peer.recv())

    async with socket_server(handler) as url:
        await hold(url)

    assert received == ['{"type":"keepalive"}'] * 2


def mute(_state: RawServer) -> Peer:
    """Shakes hands and says nothing more, not even a pong."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        while not (requests := protocol.events_received()):
            protocol.receive_data(await reader.read(4096))
        protocol.send_response(protocol.accept(requests[0]))  # type: ignore[arg-type]
        writer.write(b"".join(protocol.data_to_send()))
        await asyncio.sleep(5)

    return peer


async def test_a_peer_that_answers_no_ping_is_dead_after_interval_and_limit() -> None:
    async with serving(mute) as server:
        started = time.monotonic()

        close = await hold(
            server.url.replace("http", "ws"), timing=replace(QUICK, ping_timeout_s=0.2)
        )

    assert close.code == 1011
    assert 0.25 < time.monotonic() - started < 4.5  # then the peer leaves by itself


async def test_a_frame_over_the_limit_ends_the_connection_with_1009() -> None:
    async def handler(peer) -> None:
        await peer.send("x" * 2000)
        await peer.wait_closed()

    async with socket_server(handler) as url:
        close = await hold(url, timing=replace(QUICK, max_frame_bytes=1000))

    assert close.code == 1009


async def test_a_frame_of_two_mebibytes_is_read_and_its_beginning_kept() -> None:
    events: list[Event] = []

    async def handler(peer) -> None:
        await peer.send("[" + "1" * ((2 << 20) - 2) + "]")
        await peer.send(b"\x00binary")

    async def note(event: Event) -> None:
        events.append(event)

    async with socket_server(handler) as url:
        await hold(url, on_event=note)

    assert [(type(e), len(e.raw), e.size) for e in events if isinstance(e, Malformed)] == [
        (Malformed, 65536, 2 << 20),
        (Malformed, 7, 7),
    ]


async def test_a_reset_is_a_1006() -> None:
    async def handler(peer) -> None:
        peer.transport.abort()

    async with socket_server(handler) as url:
        assert (await hold(url)).code == 1006


def silent(_state: RawServer) -> Peer:
    async def peer(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    return peer


async def test_an_open_that_takes_too_long_is_a_failed_connect() -> None:
    async with serving(silent) as server:
        close = await hold(server.url.replace("http", "ws"), timing=replace(QUICK, open_s=0.5))

    assert close == Close(None, "TimeoutError")


async def test_while_an_event_is_held_nothing_more_is_read() -> None:
    sent = 0
    release = asyncio.Event()

    async def handler(peer) -> None:
        nonlocal sent
        for _ in range(3000):
            await peer.send(TYPING + " " * 10_000)
            sent += 1

    async def wait(_event: Event) -> None:
        await release.wait()

    timing = replace(
        QUICK, ping_interval_s=5, ping_timeout_s=5, keep_alive_s=5, max_queued_frames=4
    )
    async with socket_server(handler, ping_interval=None) as url:
        held = asyncio.create_task(hold(url, on_event=wait, timing=timing))
        await asyncio.sleep(0.3)
        paused_at = sent
        release.set()
        await held

    assert paused_at < 1500
    assert sent == 3000
