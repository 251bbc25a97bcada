"""A TCP proxy that misbehaves on command: in front of Redis, PostgreSQL, platform and provider.

Modes (for all connections, the open ones too):
- up: forwards; down: refuses new connections and resets the open ones;
- blackhole: accepts, and nothing passes any more. What it held is reset when the mode ends: the
  other side has long forgotten it (half-open);
- stall: like blackhole, but goes on where it stopped;
- latency: every chunk `ms` late, both ways; drip: answers at `rate` bytes a second;
- reset_after, truncate: a reset or an orderly end after `bytes` of an answer.
Counts which mode hurt how many connections: a fault that hit nobody has proved nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, cast

MODES = ("up", "down", "blackhole", "stall", "latency", "drip", "reset_after", "truncate")
_HOLDING = frozenset({"blackhole", "stall"})
_RST = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends a reset


@dataclass(frozen=True, slots=True)
class Mode:
    name: str = "up"
    ms: float = 0.0  # latency
    rate: float = 1.0  # drip, bytes a second
    bytes: int = 0  # reset_after, truncate


class _End(asyncio.Protocol):
    """One of the two sockets of a link."""

    def __init__(self, link: _Link, *, is_client: bool) -> None:
        self.link = link
        self.is_client = is_client
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self.outgoing: deque[bytes] = deque()  # what a mode holds back on its way to here
        self.pump: asyncio.Task[None] | None = None
        self.is_ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.is_client:
            self.link.begin()

    def data_received(self, data: bytes) -> None:
        self.link.pass_on(self, data)

    def connection_lost(self, error: Exception | None) -> None:
        self.link.lost(self)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.link.is_held:
            self.other.read_on()

    def read_on(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(RuntimeError):  # it reads already
                self.transport.resume_reading()

    def hold(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(RuntimeError):
                self.transport.pause_reading()

    def reset(self) -> None:
        if self.pump is not None:
            self.pump.cancel()
        if self.transport is None:
            return
        found = self.transport.get_extra_info("socket")
        if found is not None:
            with contextlib.suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        self.transport.abort()


class _Link:
    """A client's connection and ours to the target."""

    def __init__(self, proxy: ChaosProxy) -> None:
        self._proxy = proxy
        self.client = _End(self, is_client=True)
        self.target = _End(self, is_client=False)
        self.client.other, self.target.other = self.target, self.client
        self.is_held = False
        self._answered = 0  # bytes towards the client since the mode came
        self._hurt_by = ""

    def begin(self) -> None:
        self._proxy.begin(self)

    def hurt(self, mode: str) -> None:
        if self._hurt_by != mode:
            self._hurt_by = mode
            self._proxy.fired[mode] += 1

    def enter(self, before: Mode, mode: Mode) -> None:
        """Called for open links when the mode changes."""
        self._answered, self._hurt_by = 0, ""
        if mode.name == "down" or (before.name == "blackhole" and self.is_held):
            if mode.name == "down":
                self.hurt("down")
            self.reset()
        elif mode.name in _HOLDING:
            self.hold(mode.name)
        elif self.is_held:
            self.is_held = False
            self.go_on()

    def hold(self, mode: str) -> None:
        self.is_held = True
        self.hurt(mode)
        self.client.hold()
        self.target.hold()

    def pass_on(self, source: _End, data: bytes) -> None:
        """From one end to the other, as the mode wants it."""
        mode, to = self._proxy.mode, source.other
        assert to is not None
        if to.transport is None or self.is_held:
            to.outgoing.append(data)  # little: reading is paused, uvloop reads once all the same
        elif mode.name in ("reset_after", "truncate") and to.is_client:
            self._cut(to, data, mode)
        elif to.outgoing or to.pump or mode.name == "latency" or self._drips(mode, to):
            self._later(to, data, mode)
        else:
            to.transport.write(data)

    @staticmethod
    def _drips(mode: Mode, to: _End) -> bool:
        return mode.name == "drip" and to.is_client

    def _cut(self, to: _End, data: bytes, mode: Mode) -> None:
        assert to.transport is not None
        room = mode.bytes - self._answered
        to.transport.write(data[: max(0, room)])
        self._answered += len(data)
        if self._answered < mode.bytes:
            return
        self.hurt(mode.name)
        if mode.name == "reset_after":
            self.reset()
        else:
            to.transport.close()

    def go_on(self) -> None:
        """Both ends are there and nothing holds them: what waits goes first."""
        for end in (self.client, self.target):
            if end.outgoing:
                self._start_pump(end)
            end.read_on()

    def _later(self, to: _End, data: bytes, mode: Mode) -> None:
        if mode.name in ("latency", "drip"):
            self.hurt(mode.name)
        to.outgoing.append(data)
        self._start_pump(to)

    def _start_pump(self, to: _End) -> None:
        if to.pump is None:
            to.pump = asyncio.get_running_loop().create_task(self._pump(to), name="chaos-pump")

    async def _pump(self, to: _End) -> None:
        """What is held back, in order; each piece as the mode of its moment wants it."""
        while to.outgoing:
            mode = self._proxy.mode
            data = to.outgoing.popleft()
            if self._drips(mode, to) and len(data) > 1:
                to.outgoing.appendleft(data[1:])
                data = data[:1]
            if self._drips(mode, to):
                await asyncio.sleep(1 / mode.rate)
            elif mode.name == "latency":
                await asyncio.sleep(mode.ms / 1000)
            if to.transport is None or to.transport.is_closing():
                break
            to.transport.write(data)
        to.pump = None
        if to.is_ending and to.transport is not None:
            to.transport.close()

    def lost(self, end: _End) -> None:
        """One end is gone: the other one ends after what is still on its way to it."""
        self._proxy.forget(self)
        other = end.other
        if other is None or other.transport is None:
            return
        other.is_ending = True
        if other.pump is None:
            other.transport.close()

    def reset(self) -> None:
        self.client.reset()
        self.target.reset()


class ChaosProxy:
    """Listens on 127.0.0.1 and forwards to `target`; belongs to one event loop."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self.mode = Mode()
        self.port = 0
        self.fired: Counter[str] = Counter()
        self.connections = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._accept, "127.0.0.1", self.port, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._close_door()
        self.drop()
        for task in tuple(self._connecting):
            task.cancel()

    async def set_mode(self, name: str, **values: Any) -> None:
        if name not in MODES:
            raise ValueError(f"{name}: one of {', '.join(MODES)}")
        before, self.mode = self.mode, Mode(name, **values)
        if name == "down":
            self._close_door()
        elif self._server is None:
            await self.start()
        for link in tuple(self._links):
            link.enter(before, self.mode)

    def drop(self) -> int:
        """Reset every open connection, once; says how many there were."""
        links = tuple(self._links)
        for link in links:
            link.reset()
        self.fired["drop"] += len(links)
        return len(links)

    def forget(self, link: _Link) -> None:
        self._links.discard(link)

    def _close_door(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept(self) -> _End:
        self.connections += 1
        return _Link(self).client

    def begin(self, link: _Link) -> None:
        """A client has connected; nothing is read from it before the target is there too."""
        self._links.add(link)
        link.client.hold()
        task = asyncio.get_running_loop().create_task(self._connect(link), name="chaos-connect")
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, link: _Link) -> None:
        if self.mode.name in _HOLDING:
            link.hold(self.mode.name)
        if self.mode.name == "blackhole":
            return
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: link.target, "127.0.0.1", self._target
            )
        except OSError:
            link.reset()
            return
        if link.client.transport is None or link.client.transport.is_closing():
            link.target.reset()
        elif link.is_held:
            link.target.hold()
        else:
            link.go_on()
