"""Each mode of the proxy does to a connection what it says, and is counted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.faults.chaos_proxy import ChaosProxy
from tests.faults.proxies import Proxies

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_opened: list[list[asyncio.StreamWriter]] = []


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def start_echo() -> tuple[asyncio.Server, int]:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy() -> AsyncIterator[ChaosProxy]:
    server, port = await start_echo()
    between = ChaosProxy(port)
    await between.start()
    yield between
    await between.stop()
    server.close()


@pytest.fixture(autouse=True)
async def opened() -> AsyncIterator[list[asyncio.StreamWriter]]:
    """Every connection of a test, closed at its end."""
    writers: list[asyncio.StreamWriter] = []
    _opened.append(writers)
    yield writers
    _opened.clear()
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def connect(port: int) -> Streams:
    streams = await asyncio.open_connection("127.0.0.1", port)
    _opened[0].append(streams[1])
    return streams


async def ask(streams: Streams, data: bytes = b"hello", *, within_s: float = 20.0) -> bytes:
    reader, writer = streams
    writer.write(data)
    async with asyncio.timeout(within_s):
        return await reader.readexactly(len(data))


async def test_up_forwards_everything(proxy: ChaosProxy):
    large = bytes(range(256)) * 20_000

    assert await ask(await connect(proxy.port), large) == large
    assert proxy.fired == {}


async def test_down_resets_what_is_open_and_refuses_what_comes(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)

    await proxy.set_mode("down")

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(streams)
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy.port)
    assert proxy.fired == {"down": 1}
    await proxy.set_mode("up")
    assert await ask(await connect(proxy.port)) == b"hello"


async def test_a_black_hole_accepts_and_never_answers_and_forgets(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)

    await proxy.set_mode("blackhole")
    late = await connect(proxy.port)

    for one in (streams, late):
        with pytest.raises(TimeoutError):
            await ask(one, within_s=0.2)
    assert proxy.fired == {"blackhole": 2}
    await proxy.set_mode("up")
    for one in (streams, late):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(one)


async def test_a_stall_goes_on_where_it_stopped(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)
    await proxy.set_mode("stall")

    with pytest.raises(TimeoutError):
        await ask(streams, b"first", within_s=0.2)
    await proxy.set_mode("up")

    assert await streams[0].readexactly(5) == b"first"
    assert await ask(streams) == b"hello"


async def test_latency_delays_both_ways_and_keeps_the_order(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)
    await proxy.set_mode("latency", ms=50)

    began = time.monotonic()
    for letter in (b"a", b"b", b"c"):
        streams[1].write(letter)
        await asyncio.sleep(0.001)

    assert await streams[0].readexactly(3) == b"abc"
    assert time.monotonic() - began >= 0.1


async def test_a_drip_gives_an_answer_byte_by_byte(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)
    await proxy.set_mode("drip", rate=50)

    began = time.monotonic()
    assert await ask(streams, b"0123456789") == b"0123456789"

    assert time.monotonic() - began >= 0.18
    assert proxy.fired == {"drip": 1}


@pytest.mark.parametrize("mode", ["reset_after", "truncate"])
async def test_an_answer_is_cut_off_after_so_many_bytes(proxy: ChaosProxy, mode: str):
    streams = await connect(proxy.port)
    await ask(streams)
    await proxy.set_mode(mode, bytes=4)

    streams[1].write(b"0123456789")

    if mode == "truncate":
        assert await streams[0].read() == b"0123"
    else:
        with pytest.raises(ConnectionError):
            await streams[0].readexactly(10)
    assert proxy.fired == {mode: 1}


async def test_a_drop_resets_once_and_says_how_many(proxy: ChaosProxy):
    streams = await connect(proxy.port)
    await ask(streams)

    assert proxy.drop() == 1

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(streams)
    assert await ask(await connect(proxy.port)) == b"hello"
    assert proxy.fired == {"drop": 1}


async def test_a_target_that_is_away_looks_like_a_reset(proxy: ChaosProxy):
    lost = ChaosProxy(1)
    await lost.start()

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(await connect(lost.port))
    await lost.stop()


async def test_proxies_of_a_process_of_their_own_obey_as_well():
    server, port = await start_echo()
    proxies = Proxies({"redis": port})
    await asyncio.to_thread(proxies.__enter__)
    try:
        streams = await connect(proxies.port("redis"))
        answered = await ask(streams)
        dropped = await asyncio.to_thread(proxies.drop, "redis")
        with pytest.raises(ValueError, match="sideways"):
            await asyncio.to_thread(proxies.set, "redis", "sideways")
        fired = await asyncio.to_thread(proxies.fired)
    finally:
        await asyncio.to_thread(proxies.__exit__, None, None, None)

    server.close()
    assert (answered, dropped, fired) == (b"hello", 1, {"redis": {"drop": 1}})
