"""The org-wide messaging socket (protocol §1): every open socket gets every frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web

from conversations.simulator.dispositions import answer, error, reset
from conversations.simulator.tokens import SOCKET_SCOPES

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.world import World

logger = logging.getLogger(__name__)
CLOSE_S = 1.0


class OpenSocket:
    """One connection from open to close. Sending never waits: a queue and one writer."""

    def __init__(self, request: web.Request, world: World, *, expires_at: float) -> None:
        self._request = request
        self._world = world
        self._expires_at = expires_at
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue(world.config.socket_queue_limit)
        self._ws = web.WebSocketResponse(timeout=CLOSE_S, max_msg_size=1 << 20, compress=False)
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self.heard_at = world.monotonic()

    def send(self, data: str | bytes) -> None:
        try:
            self._queue.put_nowait(data)
        except asyncio.QueueFull:
            self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow")

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued; code 1006 drops the connection without a close frame."""
        if not self._closing.done():
            self._closing.set_result((code, reason))

    async def run(self) -> web.StreamResponse:
        await self._ws.prepare(self._request)
        self._is_open = True
        self._join()
        writer = asyncio.create_task(self._write(), name="simulator-socket-writer")
        reader = asyncio.create_task(self._read(), name="simulator-socket-reader")
        ending = asyncio.create_task(self._ending(), name="simulator-socket-ending")
        tasks = (reader, ending, writer)
        try:
            await asyncio.wait((reader, ending), return_when=asyncio.FIRST_COMPLETED)
            self._forget()
            if not reader.done():
                reader.cancel()  # aiohttp waits for the answering close only when nobody reads
                await asyncio.gather(reader, return_exceptions=True)
                await self._end(*ending.result())
        finally:
            self._forget()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._ws

    async def _read(self) -> None:
        async for message in self._ws:
            self.heard_at = self._world.monotonic()
            if message.type is not WSMsgType.TEXT:
                continue
            with contextlib.suppress(ValueError):
                data = json.loads(message.data)
                kind = data.get("type") if isinstance(data, dict) else None
                if kind == "keepalive":
                    self._world.ledger.add("keepalive")
                    continue
            self._world.ledger.add("received", data=message.data[:2000])

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                data = await self._queue.get()
                if isinstance(data, bytes):
                    await self._ws.send_bytes(data)
                else:
                    await self._ws.send_str(data)
                self._queue.task_done()

    async def _end(self, code: int, reason: str) -> None:
        if code == WSCloseCode.ABNORMAL_CLOSURE:
            reset(self._request)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._queue.join()
        await self._ws.close(code=code, message=reason.encode())

    async def _ending(self) -> tuple[int, str]:
        """Asked to close, silent for too long (protocol §1), or the token has expired."""
        config = self._world.config
        while True:
            now = self._world.monotonic()
            ends = self.heard_at + config.silent_s
            if config.close_expired:
                ends = min(ends, self._expires_at)
            try:
                async with asyncio.timeout(max(0.01, ends - now)):
                    return await asyncio.shield(self._closing)
            except TimeoutError:
                now = self._world.monotonic()
                if config.close_expired and now >= self._expires_at:
                    return WSCloseCode.ABNORMAL_CLOSURE, "token expired"
                if now - self.heard_at >= config.silent_s:
                    return WSCloseCode.GOING_AWAY, "silent"

    def _forget(self) -> None:
        if self._is_open:
            self._is_open = False
            self._leave()

    def _join(self) -> None:
        self._world.sockets[id(self)] = self.send
        self._world.socket_opened.set()
        self._world.ledger.add("socket", state="open", sockets=len(self._world.sockets))

    def _leave(self) -> None:
        self._world.sockets.pop(id(self), None)
        if not self._world.sockets:
            self._world.socket_opened.clear()
        self._world.ledger.add("socket", state="closed", sockets=len(self._world.sockets))


class OrgSockets:
    """All open org sockets."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: set[OpenSocket] = set()
        world.on_socket_fault = self._fault

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        rule = world.faults.pick("handshake")
        if rule is not None:
            refused = await self._refuse(request, rule)
            if refused is not None:
                return refused
        token = request.query.get("access_token", "")
        scopes = world.tokens.scopes(token)
        if scopes is None or (world.config.enforce_scopes and not scopes >= SOCKET_SCOPES):
            status = 401 if scopes is None else 403
            world.ledger.add("handshake", status=status)
            return answer({"message": "access denied", "status": status}, status=status)
        one = OpenSocket(request, world, expires_at=world.tokens.expires_at(token))
        self._open.add(one)
        try:
            return await one.run()
        finally:
            self._open.discard(one)

    async def _refuse(self, request: web.Request, rule: Rule) -> web.Response | None:
        self._world.ledger.add("handshake", status=rule.status, fault=rule.kind)
        if rule.kind == "slow":
            await asyncio.sleep(rule.number("ms", 1000) / 1000)
            return None
        if rule.kind == "drop":
            reset(request)
        return error(rule)

    def close_all(self, code: int, reason: str = "") -> int:
        for one in tuple(self._open):
            one.close(code, reason)
        return len(self._open)

    def _fault(self, rule: Rule) -> None:
        dropped = rule.kind == "drop"
        self.close_all(1006 if dropped else int(rule.number("code", 1011)), "simulated")
