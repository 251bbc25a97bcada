"""The two loads: so many in flight, or so many a second. Runs inside the stub's process."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.records import Records
from bench.site import StubSite

_SETTLE_S = 0.5  # what a contender still commits after the last request counts as its CPU
_STILL_S = 5.0  # attributes that have not come for so long will not come


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` 0 is the closed loop of `in_flight`, a burst where that is all of the messages."""

    tag: str
    messages: int
    conversations: int = 100
    in_flight: int = 64
    rate: float = 0.0
    provider_ms: float = 0.0
    jitter_ms: float = 0.0
    platform_ms: float = 0.0  # until a POST or PUT is answered; it is applied at once
    timeout_s: float = 120.0


async def run(site: StubSite, load: Load) -> dict[str, float | None]:
    """Plays the load and waits until all is delivered and written, or nothing moves any more."""
    records = site.records = Records()
    site.provider_s, site.jitter_s = load.provider_ms / 1000, load.jitter_ms / 1000
    site.platform_s = load.platform_ms / 1000
    site.most_connections = site.connections
    cpu = time.process_time()
    try:
        async with asyncio.timeout(load.timeout_s):
            await (_open_loop(site, load) if load.rate else _closed_loop(site, load))
            await _quiet(records, load.messages)
    except TimeoutError:
        pass  # `missing` and `puts` say how far it came
    site.on_posted = lambda: None
    cpu = time.process_time() - cpu
    await asyncio.sleep(_SETTLE_S)
    return {
        **records.summary(),
        "connections": site.most_connections,
        "stub_cpu_ms": cpu * 1000,
    }


async def _closed_loop(site: StubSite, load: Load) -> None:
    sent = 0

    def emit() -> None:
        nonlocal sent
        if sent < load.messages:
            _emit(site, load, sent)
            sent += 1

    site.on_posted = emit
    for _ in range(load.in_flight):
        emit()
    while site.records.posted < load.messages:  # noqa: ASYNC110 - an event would cost each POST
        await asyncio.sleep(0.05)


async def _open_loop(site: StubSite, load: Load) -> None:
    start = time.perf_counter()
    for number in range(load.messages):
        wait = start + number / load.rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        _emit(site, load, number)


async def _quiet(records: Records, messages: int) -> None:
    while records.posted < messages:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    while records.puts < messages:
        if time.perf_counter() - records.last_at > _STILL_S:
            return
        await asyncio.sleep(0.02)


def _emit(site: StubSite, load: Load, number: int) -> None:
    # Unique, so that no translation memory answers for the provider.
    text = f"Hola, necesito ayuda con mi pedido, por favor ({load.tag} {number})"
    site.emit(text, conversation=number % load.conversations)
