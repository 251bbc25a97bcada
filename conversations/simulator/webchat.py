"""A guest's socket (protocol §2): what they write goes to the org socket, answers come to them.

D: the acknowledgement names conversation, session and guest, and tells what was said before; a
`connect` with `metadata.sessionId` goes on with that session. Everything said in the conversation
is sent to its guest, also what was posted in the guest's name. What cannot be taken is answered
with `{"type": "error", "code", "message"}`; the socket lives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from conversations.simulator.dispositions import error, reset
from conversations.simulator.messages import Event, SimulatedConversation, frame

if TYPE_CHECKING:
    from conversations.simulator.attachments import Attachments
    from conversations.simulator.faults import Rule
    from conversations.simulator.world import World

CLOSE_S = 1.0
MAX_FRAME = 2 << 20
MAX_UNITS = 4096
MAX_CONTEXT = 64 * 1024
RATE, RATE_S = 10, 1.0
HISTORY = 200
QUEUED = 1_000
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class GuestSocket:
    """One connection of a guest."""

    def __init__(self, request: web.Request, guests: GuestSockets) -> None:
        self._request = request
        self._guests = guests
        self._ws = web.WebSocketResponse(timeout=CLOSE_S, max_msg_size=MAX_FRAME, compress=False)
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUED)
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.conversation: SimulatedConversation | None = None
        self.said_at: deque[float] = deque(maxlen=RATE)

    def send(self, text: str) -> None:
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.close(1013, "too slow")

    def refuse(self, code: str, message: str) -> None:
        self.send(json.dumps({"type": "error", "code": code, "message": message}))

    def close(self, code: int, reason: str = "") -> None:
        """1006 drops the connection without a close frame."""
        if not self._closing.done():
            self._closing.set_result((code, reason))

    async def run(self) -> web.StreamResponse:
        await self._ws.prepare(self._request)
        writer = asyncio.create_task(self._write(), name="simulator-guest-writer")
        reader = asyncio.create_task(self._read(), name="simulator-guest-reader")
        tasks = (reader, writer)
        try:
            await asyncio.wait((reader, self._closing), return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
                await self._end(*self._closing.result())
        finally:
            self._closing.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._ws

    async def _end(self, code: int, reason: str) -> None:
        if code == 1006:
            reset(self._request)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._queue.join()
        await self._ws.close(code=code, message=reason.encode())

    async def _read(self) -> None:
        async for message in self._ws:
            if message.type is WSMsgType.BINARY:
                self.refuse("frame.binary", "only text frames are read")
            elif message.type is WSMsgType.TEXT:
                self._guests.received(self, message.data)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                text = await self._queue.get()
                await self._ws.send_str(text)
                self._queue.task_done()


class GuestSockets:
    """All guests: who has which session, and what they are to hear."""

    def __init__(self, world: World, *, attachments: Attachments) -> None:
        self._world = world
        self._attachments = attachments
        self._open: dict[str, set[GuestSocket]] = {}  # by conversation
        self._connecting: set[GuestSocket] = set()
        self._sessions: OrderedDict[str, str] = OrderedDict()  # session → conversation
        world.on_message.append(self._said)
        world.on_signal.append(self._signalled)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        rule = self._world.faults.pick("webchat_handshake")
        if rule is not None:
            self._world.ledger.add("webchat_handshake", status=rule.status, fault=rule.kind)
            if rule.kind == "slow":
                await asyncio.sleep(rule.number("ms", 1000) / 1000)
            else:
                if rule.kind == "drop":
                    reset(request)
                return error(rule)
        one = GuestSocket(request, self)
        self._connecting.add(one)
        try:
            return await one.run()
        finally:
            self._forget(one)

    def close_all(self, code: int, reason: str = "", *, conversation: str | None = None) -> int:
        chosen = set(self._open.get(conversation, ())) if conversation else self._all()
        for one in chosen:
            one.close(code, reason)
        return len(chosen)

    def _all(self) -> set[GuestSocket]:
        return self._connecting | {one for each in self._open.values() for one in each}

    def _forget(self, one: GuestSocket) -> None:
        self._connecting.discard(one)
        if one.conversation is None:
            return
        here = self._open.get(one.conversation.id, set())
        here.discard(one)
        if not here:
            self._open.pop(one.conversation.id, None)

    # From the guest

    def received(self, one: GuestSocket, data: str) -> None:
        try:
            said = json.loads(data)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            one.refuse("frame.invalid", "a JSON object is wanted")
            return
        kind = said.get("type")
        if kind == "connect":
            self._connect(one, said)
        elif kind == "keepalive":
            return
        elif one.conversation is None:
            one.refuse("connect.missing", "connect first")
        elif kind == "message":
            self._message(one, one.conversation, said)
        elif kind == "setContext":
            self._context(one, one.conversation, said.get("context"))
        elif kind == "typing" and said.get("state") in ("active", "inactive"):
            self._world.type_(one.conversation, "guest", said["state"])
        else:
            self._world.ledger.add("webchat_ignored", type=str(kind)[:64])

    def _connect(self, one: GuestSocket, said: dict[str, Any]) -> None:
        info = said.get("guestInfo")
        info = info if isinstance(info, dict) else {}
        name, email = info.get("name"), info.get("email")
        if not _is_text(name) or not _is_text(email) or not EMAIL.fullmatch(str(email)):
            self._world.ledger.add("webchat_refused", reason="guestInfo")
            one.close(1006)  # without a word, as protocol §2 has it
            return
        if one.conversation is not None:
            one.refuse("connect.again", "connected already")
            return
        metadata = said.get("metadata")
        asked = metadata.get("sessionId") if isinstance(metadata, dict) else None
        session, conversation = self._session(asked, name=str(name))
        one.conversation = conversation
        self._connecting.discard(one)
        self._open.setdefault(conversation.id, set()).add(one)
        self._world.ledger.add(
            "webchat_connect", conversationId=conversation.id, resumed=session == asked
        )
        one.send(frame(self._acknowledgement(session, conversation)))

    def _session(self, asked: object, *, name: str) -> tuple[str, SimulatedConversation]:
        known = self._sessions.get(asked) if isinstance(asked, str) else None
        conversation = self._world.conversations.get(known) if known else None
        if conversation is not None:
            return str(asked), conversation
        conversation = self._world.open_conversation(
            guest=name[:200], agent_id=self._world.config.webchat_agent_id
        )
        conversation.channel = "webchat"
        session = secrets.token_urlsafe(18)
        self._sessions[session] = conversation.id
        if len(self._sessions) > self._world.config.conversation_limit:
            self._sessions.popitem(last=False)
        return session, conversation

    def _acknowledgement(self, session: str, conversation: SimulatedConversation) -> Event:
        said: Event = {
            "type": "connect",
            "conversationId": conversation.id,
            "sessionId": session,
            "guest": conversation.guest,
        }
        if self._world.config.webchat_history:
            first = max(0, len(conversation.messages) - HISTORY)
            said["history"] = [
                _shown(event, first + index + 1)
                for index, event in enumerate(conversation.messages[first:])
            ]
        return said

    def _message(
        self, one: GuestSocket, conversation: SimulatedConversation, said: dict[str, Any]
    ) -> None:
        text, attachments = said.get("text") or "", said.get("attachments") or []
        refused = self._refused(one, text, attachments)
        if refused is not None:
            self._world.ledger.add(
                "webchat_refused", conversationId=conversation.id, reason=refused[0]
            )
            one.refuse(*refused)
            return
        one.said_at.append(self._world.monotonic())
        self._world.ledger.add("webchat", conversationId=conversation.id, text=text)
        self._world.say_as_guest(conversation, text, attachments=list(attachments))

    def _refused(self, one: GuestSocket, text: Any, attachments: Any) -> tuple[str, str] | None:
        if not isinstance(text, str) or not isinstance(attachments, list):
            return "message.invalid", "text: a string; attachments: a list"
        if not text.strip() and not attachments:
            return "message.empty", "text or attachments are wanted"
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_UNITS:
            return "message.too.long", f"at most {MAX_UNITS} UTF-16 code units"
        if not all(self._attachments.uploaded(metadata) for metadata in attachments):
            return "attachment.missing", "an attachment has not been uploaded"
        now = self._world.monotonic()
        if len(one.said_at) == RATE and now - one.said_at[0] < RATE_S:
            return "rate.limit", f"at most {RATE} messages a second"
        return None

    def _context(self, one: GuestSocket, conversation: SimulatedConversation, value: Any) -> None:
        if not isinstance(value, dict):
            one.refuse("context.invalid", "context: a JSON object")
        elif len(json.dumps(value)) > MAX_CONTEXT:
            one.refuse("context.too.large", f"context: at most {MAX_CONTEXT} bytes")
        else:
            conversation.context = value
            self._world.set_context(conversation)
            self._world.ledger.add("webchat_context", conversationId=conversation.id, context=value)

    # To the guest

    def _said(self, conversation: SimulatedConversation, event: Event) -> None:
        if conversation.id in self._open:
            self._send(conversation, _shown(event, len(conversation.messages)))

    def _signalled(self, conversation: SimulatedConversation, event: Event) -> None:
        """That the agent types, or has read up to one of the guest's messages."""
        if conversation.id not in self._open or event["from"]["type"] != "agent":
            return
        if event["type"] == "typing":
            self._send(conversation, {"type": "typing", "state": event["state"]})
            return
        for index in range(len(conversation.messages), 0, -1):
            if conversation.messages[index - 1].get("id") == event["messageId"]:
                self._send(conversation, {"type": "readReceipt", "sequenceId": _sequence_id(index)})
                return

    def _send(self, conversation: SimulatedConversation, shown: Event) -> None:
        rule = self._world.faults.pick(
            "webchat", conversation=conversation.id, text=shown.get("text")
        )
        self._world.ledger.add(
            "webchat_sent",
            conversationId=conversation.id,
            type=shown["type"],
            sequenceId=shown.get("sequenceId"),
            sender=shown.get("from", {}).get("type"),
            text=shown.get("text"),
            fault=rule.kind if rule else None,
        )
        text = frame(shown)
        if rule is None:
            self._deliver(conversation.id, text)
        else:
            self._deliver_faulty(conversation.id, text, rule)

    def _deliver(self, key: str, text: str) -> None:
        for one in tuple(self._open.get(key, ())):
            one.send(text)

    def _deliver_faulty(self, key: str, text: str, rule: Rule) -> None:
        if rule.kind == "malformed":
            self._deliver(key, str(rule.parameters.get("data", text[: len(text) // 2])))
            if rule.parameters.get("also_sent", True):
                self._deliver(key, text)
        elif rule.kind == "delay":
            asyncio.get_running_loop().call_later(
                rule.number("ms", 500) / 1000, self._deliver, key, text
            )
        elif rule.kind in {"close", "drop"}:
            code = 1006 if rule.kind == "drop" else int(rule.number("code", 1011))
            self.close_all(code, "simulated", conversation=key)
        elif rule.kind == "duplicate":
            for _ in range(1 + int(rule.number("copies", 1))):
                self._deliver(key, text)


def _sequence_id(number: int) -> str:
    return f"msg-{number}"


def _shown(event: Event, number: int) -> Event:
    """A message as its guest sees it; `number` is its place in the conversation."""
    shown = {"type": "message", "text": event.get("text", ""), "sequenceId": _sequence_id(number)}
    shown.update({key: event[key] for key in ("id", "from", "timestamp") if key in event})
    shown["attachments"] = event.get("attachments", [])
    return shown


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 254
