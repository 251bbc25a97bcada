"""Transcript sockets (protocol §3): each follows one conversation, in frames of its own shape.

The customer has no id there but `external`. Typing and read receipts are system messages whose
text says just that; the end is `conversationClosed`, and a peer that does not close then is closed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.dispositions import answer, error, reset
from conversations.simulator.faults import CLOSING_KINDS
from conversations.simulator.messages import frame, iso
from conversations.simulator.sockets import OpenSocket
from conversations.simulator.tokens import TRANSCRIPT_SCOPES, refuse

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.messages import Event, SimulatedConversation
    from conversations.simulator.world import World

EXTERNAL = "external"
CLOSED = (1000, "Conversation closed")
_PATIENCE_S = 2.0  # for the peer to close after the end
_SHOWN = frozenset({"guest", "agent", "echo", "typing", "read", "system"})


class TranscriptSocket(OpenSocket):
    def __init__(
        self, request: web.Request, world: World, *, expires_at: float, conversation_id: str
    ) -> None:
        super().__init__(request, world, expires_at=expires_at)
        self.conversation_id = conversation_id

    def _join(self) -> None:
        self._note("open")

    def _leave(self) -> None:
        self._note("closed")

    def _note(self, state: str) -> None:
        self._world.ledger.add("transcript", state=state, conversationId=self.conversation_id)


class TranscriptSockets:
    """All open transcript sockets, by conversation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, set[TranscriptSocket]] = {}
        world.on_event = self.tell
        world.on_closed = self.tell_end

    @property
    def count(self) -> int:
        return sum(map(len, self._open.values()))

    def of(self, conversation_id: str) -> int:
        return len(self._open.get(conversation_id, ()))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world, key = self._world, request.match_info["id"]
        rule = world.faults.pick("transcript_handshake", conversation=key)
        refused = await self._refuse(request, rule) if rule else None
        refused = refused or refuse(request, world=world, needed=TRANSCRIPT_SCOPES)
        if refused is None and key not in world.conversations:
            refused = answer({"message": "no such conversation", "status": 404}, status=404)
        if refused is not None:
            world.ledger.add("transcript_handshake", conversationId=key, status=refused.status)
            return refused
        token = request.headers["Authorization"].partition(" ")[2].strip()
        one = TranscriptSocket(
            request, world, expires_at=world.tokens.expires_at(token), conversation_id=key
        )
        return await self._serve(one, closing=_code_of(rule))

    async def _serve(self, one: TranscriptSocket, *, closing: int | None) -> web.StreamResponse:
        mine = self._open.setdefault(one.conversation_id, set())
        mine.add(one)
        if closing is not None:
            self._world.ledger.add(
                "transcript_handshake", conversationId=one.conversation_id, closed=closing
            )
            one.close(closing, "access denied")
        elif self._world.conversations[one.conversation_id].closed:
            self._end(one)
        try:
            return await one.run()
        finally:
            mine.discard(one)
            if not mine:
                self._open.pop(one.conversation_id, None)

    async def _refuse(self, request: web.Request, rule: Rule) -> web.Response | None:
        if _code_of(rule):
            return None
        if rule.kind == "slow":
            await asyncio.sleep(rule.number("ms", 1000) / 1000)
            return None
        if rule.kind == "drop":
            reset(request)
        return error(rule)

    # What is told

    def tell(self, event: Event, role: str) -> None:
        """An event of the org socket, as the transcript of its conversation shows it."""
        sockets = self._open.get(event.get("conversationId", ""))
        if not sockets or role not in _SHOWN:
            return
        world = self._world
        text = frame(_added(event, now=iso(world.now()), with_id=world.config.transcript_ids))
        rule = world.faults.pick(
            "transcript", conversation=event["conversationId"], text=event.get("text")
        )
        if world.config.transcript_ms > 0:
            loop = asyncio.get_running_loop()
            loop.call_later(world.config.transcript_ms / 1000, self._send, sockets, text, rule)
        else:
            self._send(sockets, text, rule)

    def tell_system(self, conversation: SimulatedConversation, text: str) -> None:
        event = {"conversationId": conversation.id, "type": "system", "text": text,
                 "timestamp": iso(self._world.now())}  # fmt: skip
        self.tell(event, "system")

    def tell_update(self, conversation_id: str) -> None:
        moment = iso(self._world.now())
        self.send_raw(conversation_id, frame({
            "event": "conversationUpdated", "timestamp": moment,
            "payload": {"conversationId": conversation_id, "status": "connected"},
        }))  # fmt: skip

    def tell_end(self, conversation: SimulatedConversation) -> None:
        for one in tuple(self._open.get(conversation.id, ())):
            self._end(one)

    def send_raw(self, conversation_id: str, data: str | bytes) -> int:
        sockets = tuple(self._open.get(conversation_id, ()))
        for one in sockets:
            one.send(data)
        return len(sockets)

    def close(self, code: int, reason: str = "", *, conversation_id: str | None = None) -> int:
        """Those of one conversation, or all."""
        chosen = [
            one
            for key, sockets in self._open.items()
            if conversation_id in (None, key)
            for one in sockets
        ]
        for one in chosen:
            one.close(code, reason)
        return len(chosen)

    def _end(self, one: TranscriptSocket) -> None:
        moment = iso(self._world.now())
        one.send(frame({
            "event": "conversationClosed", "timestamp": moment,
            "payload": {"conversationId": one.conversation_id, "timestamp": moment},
        }))  # fmt: skip
        asyncio.get_running_loop().call_later(_PATIENCE_S, one.close, *CLOSED)

    def _send(self, sockets: set[TranscriptSocket], text: str, rule: Rule | None) -> None:
        kind = rule.kind if rule else ""
        for one in tuple(sockets):
            if kind == "malformed":
                one.send(rule.parameters.get("data", text[: len(text) // 2]) if rule else text)
            elif kind in ("close", "drop"):
                code = int(rule.number("code", 1011)) if rule and kind == "close" else 1006
                one.close(code, "simulated")
            elif kind != "lost":
                for _ in range(2 if kind == "duplicate" else 1):
                    one.send(text)


def _code_of(rule: Rule | None) -> int | None:
    """With which code a socket is closed that was accepted."""
    return int(rule.kind) if rule is not None and rule.kind in CLOSING_KINDS else None


def _added(event: Event, *, now: str, with_id: bool) -> dict[str, Any]:
    kind = event["type"]
    sender = event.get("from", {})
    payload: dict[str, Any] = {}
    if with_id and "id" in event:
        payload["id"] = event["id"]
    payload["from"] = _party(sender) if sender else {"id": "system"}
    if "to" in event:
        payload["to"] = _party(event["to"])
    if kind == "message":
        payload |= {key: event[key] for key in ("text", "attachments") if key in event}
        payload["type"] = "text"
    else:
        payload |= {"text": _said(event), "type": "system"}
    payload["timestamp"] = event.get("timestamp", now)
    return {"event": "messageAdded", "timestamp": now, "payload": payload}


def _said(event: Event) -> str:
    if event["type"] == "typing":
        return "typing" if event.get("state") == "active" else "typing stopped"
    return "read receipt" if event["type"] == "readReceipt" else str(event["text"])


def _party(participant: dict[str, Any]) -> dict[str, Any]:
    is_guest = participant.get("type") == "guest"
    party = {"id": EXTERNAL if is_guest else participant.get("id", "agent")}
    if "name" in participant:
        party["name"] = participant["name"]
    return party
