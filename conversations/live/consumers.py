"""The pages' sockets: adapters between Channels and the tailer. No query, no rule, no layer.

Protocol: docs/live-socket.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any, ClassVar
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.contrib.auth import HASH_SESSION_KEY

from conversations.live import frames, rights
from conversations.live.database import Busy, read
from conversations.live.outbox import Outbox
from conversations.live.tailer import Tailer, tailer
from conversations.live.watches import Member

logger = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 4096
MESSAGES_PER_S = 50.0
MESSAGE_BURST = 100.0
MAX_SEQ = 2**63 - 1


class LiveConsumer(AsyncConsumer):
    """What both kinds of live page share: admission, credit, leaving."""

    # No layer for each socket: Redis errors cannot reach it (reliability F25).
    channel_layer_alias = "none"
    action: ClassVar = "live"  # what `access` is asked for
    _handlers: ClassVar = {
        "websocket.connect": "_connect",
        "websocket.receive": "_receive",
        "websocket.disconnect": "_disconnect",
    }

    def __init__(self) -> None:
        self._member: Member | None = None
        self._writer: asyncio.Task[None] | None = None
        self._is_closed = False
        self._allowance = MESSAGE_BURST
        self._allowed_at = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._tailer().sockets += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._tailer().sockets -= 1
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Lean: Channels' own makes every message wait for one shared database thread (F17)."""
        handler = self._handlers.get(message["type"])
        if handler is None:
            await self._close(frames.UNSUPPORTED)
            return
        await getattr(self, handler)(message)

    async def _connect(self, message: dict[str, Any]) -> None:
        # Accepted first: a browser learns a close code only from an open socket.
        await self.send({"type": "websocket.accept"})
        if self._tailer().is_full:
            await self._close(frames.BUSY)
            return
        try:
            await self._admit()
        except Busy:
            await self._close(frames.BUSY)

    async def _admit(self) -> None:
        user = self.scope["user"]
        if not user.is_authenticated:
            await self._close(frames.UNAUTHENTICATED)
            return
        admission = await read(self._admission, user.pk, self._external_id())
        if admission.code:
            await self._close(admission.code)
            return
        session = self.scope["session"]
        claim = rights.Claim(
            user_id=user.pk,
            session_key=session.session_key,
            session_hash=session.get(HASH_SESSION_KEY, ""),
            conversation=admission.conversation,
            scope=admission.scope,
            action=self.action,
        )
        outbox = Outbox(self._send_text)
        self._member = Member(claim=claim, outbox=outbox, close=self._close)
        self._writer = asyncio.create_task(outbox.run(), name="live-outbox")
        await self._watch(self._member, admission)

    def _tailer(self) -> Tailer:
        return tailer()

    def _admission(self, user_id: int, external_id: str | None) -> rights.Admission:
        """In a database thread."""
        return rights.admit(user_id, external_id, action=self.action)

    def _external_id(self) -> str | None:
        raise NotImplementedError

    async def _watch(self, member: Member, admission: rights.Admission) -> None:
        raise NotImplementedError

    async def _receive(self, message: dict[str, Any]) -> None:
        if self._is_closed:
            return
        count, code = self._acknowledged(message)
        member = self._member
        if code or member is None or not member.outbox.acknowledge(count):
            await self._close(code or frames.POLICY)
            return
        if member.outbox.is_stale and member.outbox.has_caught_up():
            try:
                await self._tailer().catch_up(member)
            except Busy:
                await self._close(frames.BUSY)

    def _acknowledged(self, message: dict[str, Any]) -> tuple[int, int]:
        """The count of an `ack`, or the code to close with: a page says nothing else."""
        text = message.get("text")
        if text is None:
            return 0, frames.UNSUPPORTED
        if len(text) > MAX_MESSAGE_CHARACTERS:
            return 0, frames.TOO_BIG
        if not self._is_allowed():
            return 0, frames.POLICY
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return 0, frames.UNSUPPORTED
        if not isinstance(body, dict) or body.get("type") != "ack":
            return 0, frames.UNSUPPORTED
        count = body.get("n")
        if isinstance(count, bool) or not isinstance(count, int):
            return 0, frames.UNSUPPORTED
        return count, 0

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        earned = (now - self._allowed_at) * MESSAGES_PER_S
        self._allowance = min(MESSAGE_BURST, self._allowance + earned) - 1
        self._allowed_at = now
        return self._allowance >= 0

    async def _disconnect(self, message: dict[str, Any]) -> None:
        self._is_closed = True
        raise StopConsumer

    async def _send_text(self, text: str) -> None:
        if not self._is_closed:
            await self.send({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._member is not None:
            self._member.outbox.shut()
        await self.send({"type": "websocket.close", "code": code})

    async def _leave(self) -> None:
        self._is_closed = True
        member, self._member = self._member, None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        if member is not None:
            await self._tailer().leave(member)


class ConversationConsumer(LiveConsumer):
    """`ws/live/<external_id>/?after=<seq>`"""

    def _external_id(self) -> str | None:
        return self.scope["url_route"]["kwargs"]["external_id"]

    async def _watch(self, member: Member, admission: rights.Admission) -> None:
        await self._tailer().watch(member, after=self._after())

    def _after(self) -> int | None:
        values = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("after", [])
        if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
            return None
        return min(int(values[0][:19]), MAX_SEQ)


class WallConsumer(LiveConsumer):
    """`ws/live/`"""

    def _external_id(self) -> str | None:
        return None

    async def _watch(self, member: Member, admission: rights.Admission) -> None:
        assert admission.visible is not None  # noqa: S101 - every wall has a scope
        await self._tailer().watch_wall(member, admission.visible)
