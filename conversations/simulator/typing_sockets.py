"""The agent typing socket (protocol §5): what an agent's client says is shown to the guest.

One socket a conversation. What cannot be read is noted in the ledger and goes no further.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from conversations.simulator.dispositions import answer, error, reset
from conversations.simulator.tokens import refuse

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.messages import SimulatedConversation
    from conversations.simulator.world import World

SCOPES = frozenset({"webmessaging:send", "webmessaging:read"})
CLOSE_S = 1.0


class TypingSockets:
    """All open ones, by conversation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, set[_Socket]] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._open.values()))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world, key = self._world, request.match_info["id"]
        rule = world.faults.pick("typing_handshake", conversation=key)
        refused = await self._refuse(request, rule) if rule else None
        refused = refused or refuse(request, world=world, needed=SCOPES)
        conversation = world.conversations.get(key)
        if refused is None and conversation is None:
            refused = answer({"message": "no such conversation", "status": 404}, status=404)
        if refused is not None or conversation is None:
            status = refused.status if refused else 404
            world.ledger.add("typing_handshake", conversationId=key, status=status)
            return refused or answer({}, status=404)
        one = _Socket(request, world, conversation)
        mine = self._open.setdefault(key, set())
        mine.add(one)
        world.ledger.add("typing_socket", state="open", conversationId=key, sockets=len(mine))
        try:
            return await one.run()
        finally:
            mine.discard(one)
            if not mine:
                self._open.pop(key, None)
            world.ledger.add(
                "typing_socket", state="closed", conversationId=key, code=one.close_code
            )

    async def _refuse(self, request: web.Request, rule: Rule) -> web.Response | None:
        if rule.kind == "slow":
            await asyncio.sleep(rule.number("ms", 1000) / 1000)
            return None
        if rule.kind == "drop":
            reset(request)
        return error(rule)

    def close(self, code: int, reason: str = "", *, conversation_id: str | None = None) -> int:
        """1006 drops the connection without a close frame."""
        chosen = [
            one
            for key, sockets in self._open.items()
            if conversation_id in (None, key)
            for one in sockets
        ]
        for one in chosen:
            one.close(code, reason)
        return len(chosen)


class _Socket:
    def __init__(
        self, request: web.Request, world: World, conversation: SimulatedConversation
    ) -> None:
        self._request, self._world, self._conversation = request, world, conversation
        self._ws = web.WebSocketResponse(timeout=CLOSE_S, max_msg_size=64 << 10, compress=False)
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    @property
    def close_code(self) -> int | None:
        return self._ws.close_code

    def close(self, code: int, reason: str = "") -> None:
        if not self._closing.done():
            self._closing.set_result((code, reason))

    async def run(self) -> web.StreamResponse:
        await self._ws.prepare(self._request)
        reader = asyncio.create_task(self._read(), name="simulator-typing-reader")
        try:
            await asyncio.wait((reader, self._closing), return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                code, reason = self._closing.result()
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
                if code == 1006:
                    reset(self._request)
                else:
                    await self._ws.close(code=code, message=reason.encode())
        finally:
            self._closing.cancel()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        return self._ws

    async def _read(self) -> None:
        async for message in self._ws:
            if message.type is WSMsgType.TEXT:
                self._received(message.data)
            else:
                self._refused("only text frames are read")

    def _received(self, text: str) -> None:
        said: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            said = json.loads(text)
        if isinstance(said, dict) and said.get("type") == "keepalive":
            return
        problem = _problem(said, self._conversation.id)
        if problem:
            self._refused(problem)
            return
        rule = self._world.faults.pick("typing", conversation=self._conversation.id)
        self._world.ledger.add(
            "agent_typing",
            conversationId=self._conversation.id,
            senderId=said["senderId"],
            state=said["state"],
            timestamp=said["timestamp"],
            fault=rule.kind if rule else None,
        )
        if rule is not None and rule.kind in ("close", "drop"):
            self.close(1006 if rule.kind == "drop" else int(rule.number("code", 1011)), "simulated")
        else:
            self._world.type_(
                self._conversation, "agent", said["state"], sender_id=said["senderId"]
            )

    def _refused(self, problem: str) -> None:
        self._world.ledger.add(
            "agent_typing_refused", conversationId=self._conversation.id, reason=problem
        )


def _problem(said: object, conversation_id: str) -> str:
    """What is wrong with a frame; empty where nothing is."""
    if not isinstance(said, dict):
        return "a JSON object is wanted"
    if said.get("type") != "typing":
        return "type: typing"
    if said.get("conversationId") != conversation_id:
        return "conversationId: the socket's own"
    if not isinstance(said.get("senderId"), str) or not said["senderId"]:
        return "senderId: the agent's id"
    if said.get("state") not in ("active", "inactive"):
        return "state: active or inactive"
    try:
        moment = datetime.fromisoformat(said["timestamp"])
    except (KeyError, TypeError, ValueError):
        return "timestamp: ISO 8601"
    return "" if moment.tzinfo is not None else "timestamp: with its offset"
