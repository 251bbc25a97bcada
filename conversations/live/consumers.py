"""The pages' sockets: adapters between Channels and the tailer. No query, no rule, no layer.

Protocol: docs/live-socket.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.utils import timezone

from conversations import access, outages
from conversations.live import doorbell, frames, rights
from conversations.live.database import Busy, read
from conversations.live.outbox import Outbox
from conversations.live.tailer import Tailer, tailer
from conversations.live.watches import Member
from conversations.signals import keystrokes_reported

logger = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 4096
MESSAGES_PER_S = 50.0
MESSAGE_BURST = 100.0
GAP_EVERY_S = 1.0
MAX_SEQ = 2**63 - 1
MAX_KEYS = 500  # of one report
MAX_AGO_MS = 60_000

Job = Callable[[], Coroutine[Any, Any, None]]  # called when it is its turn, or never


class LiveConsumer(AsyncConsumer):
    """What both kinds of live page share: admission, credit, leaving."""

    # No layer for each socket: Redis errors cannot reach it (reliability F25).
    channel_layer_alias = "none"
    action: ClassVar = "live"  # what `access` is asked for
    # What a page may say, and the numbers in it with the largest that is meant.
    _numbers: ClassVar[dict[str, dict[str, int]]] = {
        "ack": {"n": MAX_SEQ},
        "gap": {"after": MAX_SEQ},
    }
    _handlers: ClassVar = {
        "websocket.connect": "_connect",
        "websocket.receive": "_receive",
        "websocket.disconnect": "_disconnect",
    }

    def __init__(self) -> None:
        self._member: Member | None = None
        self._writer: asyncio.Task[None] | None = None
        # Admission or a fresh start. Beside the handlers: what a browser sends meanwhile is taken
        # from Daphne's queue, which has no bound (reliability F16).
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False
        self._allowance = MESSAGE_BURST
        self._allowed_at = time.monotonic()
        self._asked_at = float("-inf")

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
            await self._close(frames.BAD_MESSAGE)
            return
        await getattr(self, handler)(message)

    async def _connect(self, message: dict[str, Any]) -> None:
        # Accepted first: a browser learns a close code only from an open socket.
        await self.send({"type": "websocket.accept"})
        if self._tailer().is_full:
            await self._close(frames.BUSY)
        else:
            self._begin(self._admit)

    def _begin(self, job: Job) -> None:
        """One at a time: a page that asks again while it is being answered gets that answer."""
        if self._is_closed or (self._work is not None and not self._work.done()):
            return
        self._work = asyncio.create_task(self._finish(job), name="live-work")

    async def _finish(self, job: Job) -> None:
        """Whatever goes wrong costs this socket alone, and is said once."""
        try:
            await job()
        except Busy:
            await self._close(frames.BUSY)
        except Exception as error:
            code = frames.AWAY
            if outages.tell(error) is None:
                logger.exception("Live page: a socket failed and is closed.")
                code = frames.FAILED
            await self._close(code)

    async def _admit(self) -> None:
        user = self.scope["user"]
        if not user.is_authenticated:
            await self._close(frames.UNAUTHENTICATED)
            return
        admission = await read(self._admission_of, user, self._external_id())
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
            agent_id=admission.agent_id,
        )
        outbox = Outbox(self._send_text)
        self._member = Member(claim=claim, outbox=outbox, close=self._close, restart=self._restart)
        self._writer = asyncio.create_task(self._finish(outbox.run), name="live-outbox")
        await self._watch(self._member, admission)

    def _tailer(self) -> Tailer:
        return tailer()

    def _admission_of(self, user: Any, external_id: str | None) -> rights.Admission:
        """In a database thread."""
        if not access.session_stands(user, self.scope["session"]):
            return rights.Admission(code=frames.UNAUTHENTICATED)
        return self._admission(user.pk, external_id)

    def _admission(self, user_id: int, external_id: str | None) -> rights.Admission:
        """In a database thread."""
        return rights.admit(user_id, external_id, action=self.action)

    def _external_id(self) -> str | None:
        raise NotImplementedError

    async def _watch(self, member: Member, admission: rights.Admission) -> None:
        raise NotImplementedError

    def _restart(self) -> None:
        if self._member is not None:
            self._begin(partial(self._tailer().catch_up, self._member))

    async def _receive(self, message: dict[str, Any]) -> None:
        if self._is_closed:
            return
        said, code = self._understood(message)
        member = self._member
        if code:
            await self._close(code)
        elif member is None:
            await self._close(frames.BAD_MESSAGE)  # nothing has been sent to it
        elif said["type"] == "gap":
            self._fill_gap(member, said["after"])
        elif said["type"] == "keys":
            await self._typed(member, said)
        elif not member.outbox.acknowledge(said["n"]):
            await self._close(frames.BAD_MESSAGE)
        elif member.outbox.is_stale and member.outbox.has_caught_up():
            self._restart()

    async def _typed(self, member: Member, said: dict[str, Any]) -> None:
        raise NotImplementedError

    def _fill_gap(self, member: Member, after: int) -> None:
        """At most once a second, and not while the page is behind or being answered."""
        now = time.monotonic()
        if member.claim.conversation is None or now - self._asked_at < GAP_EVERY_S:
            return
        if not (member.outbox.is_stale or member.outbox.is_starting):
            self._asked_at = now
            self._begin(partial(self._tailer().watch, member, after=after))

    def _understood(self, message: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """What a page says, of which the numbers count; or the code to close with."""
        text = message.get("text")
        if not self._is_allowed():
            return {}, frames.TOO_MANY
        if text is None:
            return {}, frames.BAD_MESSAGE
        if len(text) > MAX_MESSAGE_CHARACTERS:
            return {}, frames.TOO_LARGE
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return {}, frames.BAD_MESSAGE
        if not isinstance(body, dict):
            return {}, frames.BAD_MESSAGE
        wanted = self._numbers.get(str(body.get("type")))
        if wanted is None or not all(_is_number(body.get(key), wanted[key]) for key in wanted):
            return {}, frames.BAD_MESSAGE
        return body, 0

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
        running = [task for task in (self._work, self._writer) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        member, self._member = self._member, None
        if member is not None:
            await self._tailer().leave(member)


class ConversationConsumer(LiveConsumer):
    """`ws/live/<external_id>/?after=<seq>`"""

    _numbers: ClassVar = LiveConsumer._numbers | {"keys": {"n": MAX_KEYS, "ms": MAX_AGO_MS}}
    _is_agent = False

    def _external_id(self) -> str | None:
        return self.scope["url_route"]["kwargs"]["external_id"]

    async def _watch(self, member: Member, admission: rights.Admission) -> None:
        self._is_agent = admission.is_agent
        await self._tailer().watch(member, after=self._after())

    async def _typed(self, member: Member, said: dict[str, Any]) -> None:
        """How many keystrokes, and how long ago the last was; asks nothing: the claim says who.

        An agent's page still has its reply box when the conversation is another's by now.
        """
        claim = member.claim
        if not self._is_agent:
            await self._close(frames.FORBIDDEN)
            return
        if claim.conversation is None or not said["n"]:
            await self._close(frames.BAD_MESSAGE)
            return
        if not claim.agent_id:
            return
        ago = timedelta(milliseconds=said["ms"])
        doorbell.keystroke(self._external_id() or "", claim.agent_id, age_s=ago.total_seconds())
        if settings.COUNT_KEYSTROKES:
            keystrokes_reported.send_robust(
                sender=ConversationConsumer,
                conversation_id=claim.conversation,
                agent_id=claim.agent_id,
                count=said["n"],
                at=timezone.now() - ago,
            )

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


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
