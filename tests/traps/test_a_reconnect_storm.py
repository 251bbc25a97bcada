"""TRAP (protocol §1): delays that start afresh at every open make a reconnect storm.

They start afresh only after a connection that delivered a frame or lived 10 s.
"""

from __future__ import annotations

import asyncio

from conversations.genesys.session import Session
from tests.conversations.genesys.sockets import TYPING, Watched, socket_server


async def accept_and_close(peer) -> None:
    await peer.close(1011)


async def test_a_server_that_accepts_and_closes_is_asked_ever_more_slowly() -> None:
    async with socket_server(accept_and_close) as url:
        watched = Watched(url, max_waits=8)
        await watched.run()

    assert watched.opens == 8
    assert watched.waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert watched.states[-1].attempts == 8


async def test_one_delivered_frame_starts_the_delays_afresh() -> None:
    frames = iter([0, 0, 0, 1, 0, 0])

    async def handler(peer) -> None:
        if next(frames):
            await peer.send(TYPING)
        await peer.close(1011)

    async with socket_server(handler) as url:
        watched = Watched(url, max_waits=6)
        await watched.run()

    assert watched.waits == [1, 2, 4, 1, 2, 4]


async def test_ten_seconds_of_life_start_the_delays_afresh_and_nine_do_not() -> None:
    now = 0.0
    lives = iter([9.9, 9.9, 10.0, 0.0])

    async with socket_server(lambda peer: peer.wait_closed()) as url:
        watched = Watched(url, max_waits=4)

        async def grow_old() -> None:
            nonlocal now
            now += next(lives)
            # Ends the connection from this side, as a break would.
            raise ConnectionResetError

        session: Session = watched.session
        session._monotonic = lambda: now
        session._on_open = grow_old
        await watched.run()
        await asyncio.sleep(0)

    assert watched.waits == [1, 2, 1, 2]
