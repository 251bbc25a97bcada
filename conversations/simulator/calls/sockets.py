"""The voice transcription socket (protocol §4): subscribe first, then chunks until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from conversations.simulator.calls.board import Calls, Line
from conversations.simulator.dispositions import error, reset
from conversations.simulator.tokens import refuse

if TYPE_CHECKING:
    from conversations.simulator.world import World

SCOPES = frozenset({"analytics:conversation:read"})
CLOSE_S = 1.0
SUBSCRIBE_S = 10.0
QUEUED = 200_000
LANGUAGE = re.compile(r"^[a-z]{2}-[A-Z]{2}$")
KEYS = {"type", "interactionId", "language", "model", "redaction", "maxConcurrentStreams"}


class CallSockets:
    def __init__(self, world: World, calls: Calls) -> None:
        self._world = world
        self._calls = calls

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        rule = world.faults.pick("call_handshake")
        if rule is not None and rule.kind == "slow":
            await asyncio.sleep(rule.number("ms", 1000) / 1000)
        elif rule is not None:
            world.ledger.add("call_handshake", status=rule.status, fault=rule.kind)
            if rule.kind == "drop":
                reset(request)
            return error(rule)
        refused = refuse(request, world=world, needed=SCOPES)
        if refused is not None:
            world.ledger.add("call_handshake", status=refused.status)
            return refused
        return await _Socket(request, world, self._calls).run()


class _Socket:
    def __init__(self, request: web.Request, world: World, calls: Calls) -> None:
        self._request = request
        self._world = world
        self._calls = calls
        self._ws = web.WebSocketResponse(timeout=CLOSE_S, max_msg_size=1 << 20, compress=False)
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUED)
        self._ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._heard_at = world.monotonic()

    async def run(self) -> web.StreamResponse:
        await self._ws.prepare(self._request)
        interaction = await self._subscribed()
        if interaction is None:
            return self._ws
        line = Line(self._queue.put_nowait, self._end)
        tasks = [
            asyncio.create_task(work, name=f"call-socket-{name}")
            for name, work in (("read", self._read()), ("write", self._write()),
                               ("end", self._ending()))
        ]  # fmt: skip
        self._world.ledger.add("call_socket", state="open", interactionId=interaction)
        self._calls.join(interaction, line)
        try:
            await asyncio.wait((tasks[0], tasks[2]), return_when=asyncio.FIRST_COMPLETED)
            self._calls.leave(interaction, line)
            if not tasks[0].done():
                await self._close(tasks)
        finally:
            self._calls.leave(interaction, line)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._world.ledger.add("call_socket", state="closed", interactionId=interaction)
        return self._ws

    async def _subscribed(self) -> str | None:
        try:
            message = await self._ws.receive(timeout=SUBSCRIBE_S)
        except TimeoutError:
            await self._ws.close(code=1008, message=b"nothing subscribed")
            return None
        if message.type is not WSMsgType.TEXT:
            return None
        rule = self._world.faults.pick("subscribe")
        self._world.ledger.add("subscribe", data=message.data[:2000], fault=rule and rule.kind)
        if rule is not None and rule.kind == "silent":
            await asyncio.sleep(rule.number("s", 60))
            return None
        problem = str(rule.parameters.get("message", "403 limit")) if rule else None
        problem = problem or self._problem(message.data)
        if problem:
            await self._ws.send_str(json.dumps({"type": "error", "message": problem}))
            await self._ws.close(code=1008, message=problem.encode()[:100])
            return None
        await self._ws.send_str('{"type":"subscribed"}')
        return str(json.loads(message.data)["interactionId"])

    def _problem(self, text: str) -> str | None:
        try:
            data = json.loads(text)
        except ValueError:
            return "400 invalid JSON"
        if not isinstance(data, dict) or not set(data) <= KEYS:
            return "400 schema: unknown keys"
        faults = _faults_of(data)
        if faults:
            return f"400 schema: {', '.join(faults)}"
        if self._calls.open_lines >= self._world.config.call_limit:
            return "429 too many concurrent streams"
        return None

    async def _read(self) -> None:
        async for message in self._ws:
            self._heard_at = self._world.monotonic()
            if message.type is WSMsgType.TEXT:
                with contextlib.suppress(ValueError):
                    kind = json.loads(message.data).get("type")
                    self._world.ledger.add("call_received", type=kind)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._ws.send_str(await self._queue.get())
                self._queue.task_done()

    async def _ending(self) -> tuple[int, str]:
        """Hung up, or nothing heard for too long."""
        while True:
            left = self._heard_at + self._world.config.call_silent_s - self._world.monotonic()
            try:
                async with asyncio.timeout(max(0.01, left)):
                    return await asyncio.shield(self._ended)
            except TimeoutError:
                silent = self._world.monotonic() - self._heard_at
                if silent >= self._world.config.call_silent_s:
                    return WSCloseCode.GOING_AWAY, "idle"

    async def _close(self, tasks: list[asyncio.Task[Any]]) -> None:
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        code, reason = tasks[2].result()
        if code == WSCloseCode.ABNORMAL_CLOSURE:
            reset(self._request)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._queue.join()
        await self._ws.close(code=code, message=reason.encode())

    def _end(self, code: int, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result((code, reason))


def _faults_of(data: dict[str, Any]) -> list[str]:
    redaction = data.get("redaction")
    streams = data.get("maxConcurrentStreams", 1)
    good = {
        "type": data.get("type") == "subscribe",
        "interactionId": isinstance(data.get("interactionId"), str) and data["interactionId"] != "",
        "model": isinstance(data.get("model"), str) and data["model"] != "",
        "language": bool(LANGUAGE.match(str(data.get("language")))),
        "redaction": isinstance(redaction, dict)
        and set(redaction) == {"enabled", "type"}
        and isinstance(redaction["enabled"], bool)
        and redaction["type"] in {"pii", "custom", "none"},
        "maxConcurrentStreams": type(streams) is int and 1 <= streams <= 10,
    }
    return [name for name, is_good in good.items() if not is_good]
