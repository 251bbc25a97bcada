"""A guest of the web chat, for any program: it knows neither Django nor the console.

>>> async def ask(text):
...     async with Guest(name="Ana", email="ana@example.org", socket_url=SOCKET_URL) as guest:
...         await guest.send(text)
...         async for event in guest.events():
...             if isinstance(event, Shown) and event.message.sender == "agent":
...                 return event.message.text
>>> asyncio.run(ask("Hola"))
'Good morning, Ana'

What is written while there is no connection waits, in order, and goes when there is one again; at
most ten messages go in any second. Limits are checked before anything is sent, each with an error
of its own (exceptions.GuestRefused). Messages come in their place: `Shown.before` is the row that
follows a late one.
"""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self

from conversations.genesys.attachments import checked_file
from conversations.genesys.connection import Link, Timing
from conversations.genesys.events import (
    ChatConnected,
    ChatMessage,
    ChatRead,
    ChatRefused,
    ChatTyping,
    Event,
    Ignored,
    Malformed,
)
from conversations.genesys.exceptions import NotConnected, UploadFailed
from conversations.genesys.limits import (
    SlidingWindow,
    check_context,
    check_guest,
    check_text,
)
from conversations.genesys.oauth import Token
from conversations.genesys.ordering import Ordering, Placed
from conversations.genesys.outgoing import Outgoing, OutgoingMessage
from conversations.genesys.protocols.webchat import (
    ACKNOWLEDGE_S,
    MAX_TRIES,
    UNACKNOWLEDGED,
    GuestInfo,
    WebchatProtocol,
    context_frame,
    message_frame,
    typing_frame,
)
from conversations.genesys.session import Patience, Session, StateChange
from conversations.genesys.uploads import Progress, Uploads

MAX_UNREAD = 500  # events; beyond it the socket is not read, and the platform feels it


@dataclass(frozen=True, slots=True)
class Shown:
    """A message has its place in the transcript. `own`: the one of ours that it is.

    `before`: the row that it was put in front of, for a late one; `missing`: how many are missing
    before it; `gap_after`: how many between it and `before`.
    """

    message: ChatMessage
    own: OutgoingMessage | None
    before: ChatMessage | None = None
    missing: int = 0
    gap_after: int = 0


@dataclass(frozen=True, slots=True)
class Progressed:
    """A message of ours has another state."""

    message: OutgoingMessage


@dataclass(frozen=True, slots=True)
class Connectivity:
    """`live` means acknowledged: from then on what is written goes out."""

    state: Literal["connecting", "live", "waiting", "offline", "stopped"]
    attempts: int = 0
    reason: str = ""


GuestEvent = (
    Shown | Progressed | Connectivity | ChatConnected | ChatTyping | ChatRead | ChatRefused
    | Malformed
)  # fmt: skip


class _NoToken:
    """The guest socket has no authentication."""

    _TOKEN = Token("", datetime.max.replace(tzinfo=UTC))

    async def current(self) -> Token:
        return self._TOKEN

    async def renewed(self, refused: Token) -> Token:
        return self._TOKEN


class Guest:
    """One guest and their conversation, over as many connections as it takes."""

    def __init__(
        self,
        *,
        name: str,
        email: str,
        socket_url: str,
        metadata: Mapping[str, Any] | None = None,
        session_id: str = "",
        uploads: Uploads | None = None,
        timing: Timing = Timing(),  # noqa: B008 (frozen)
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        acknowledge_s: float = ACKNOWLEDGE_S,
    ) -> None:
        """`session_id` of an earlier one goes on with its conversation."""
        check_guest(name, email)
        self._protocol = WebchatProtocol(GuestInfo(name, email), metadata=metadata)
        self._protocol.session_id = session_id
        self._socket_url = socket_url
        self._uploads = uploads
        self._timing = timing
        self._monotonic = monotonic
        self._sleep = sleep
        self._random = random
        self._acknowledge_s = acknowledge_s
        self._ordering: Ordering[ChatMessage] = Ordering()
        self._outgoing = Outgoing()
        self._window = SlidingWindow()
        self._context: Mapping[str, Any] | None = None
        self._unread: asyncio.Queue[GuestEvent | None] = asyncio.Queue()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._may_send = asyncio.Event()
        self._has_work = asyncio.Event()
        self._link: Link | None = None
        self._session: Session | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._refs = count(1)
        self._closed = False
        self.conversation_id = ""
        self.state: Connectivity = Connectivity("offline")
        self.malformed = 0
        self.ignored = 0

    @property
    def session_id(self) -> str:
        return self._protocol.session_id

    @property
    def waiting(self) -> int:
        """Messages that have not left yet."""
        return len(self._outgoing.waiting)

    @property
    def repeated(self) -> int:
        return self._ordering.repeated

    # Its life

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def start(self) -> None:
        self._own(self._send_waiting(), "guest-sender")
        self.go_online()

    async def close(self) -> None:
        """The socket is closed; `events` ends."""
        self._closed = True
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._unread.put_nowait(None)

    def go_offline(self) -> None:
        """As if the network were away: the connection ends, what is written waits."""
        if self._session is not None:
            self._session.stop()
            self._session = None
        self._link = None
        self._may_send.clear()
        self._say(Connectivity("offline"))

    def go_online(self) -> None:
        """Connect (again), also after ten tries were not enough."""
        if self._session is not None or self._closed:
            return
        session = self._session = Session(
            name="guest",
            protocol=self._protocol,
            url=lambda token: self._socket_url,
            headers=lambda token: {},
            tokens=_NoToken(),
            on_event=self._received,
            on_state=lambda change: self._changed(session, change),
            on_link=lambda link: self._linked(session, link),
            is_proven=lambda: self._protocol.is_acknowledged,
            patience=Patience(tries=MAX_TRIES),
            random=self._random,
            monotonic=self._monotonic,
            sleep=self._sleep,
            timing=self._timing,
        )
        self._say(Connectivity("connecting"))
        self._own(self._run(session), "guest-session")

    async def _run(self, session: Session) -> None:
        await session.run()
        if self._session is session:
            self._session = None

    def _own(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the guest says

    async def send(
        self, text: str, *, attachments: Sequence[Mapping[str, Any]] = (), ref: str = ""
    ) -> OutgoingMessage:
        """Queue a message; how it fares comes as `Progressed`. Raises GuestRefused."""
        check_text(text, attachments=len(attachments))
        message = OutgoingMessage(ref or f"m-{next(self._refs)}", text, tuple(attachments))
        self._queue(message)
        return message

    def send_again(self, message: OutgoingMessage) -> None:
        """A person's word about one that is `unconfirmed` or `refused`."""
        if message.state in ("unconfirmed", "refused"):
            self._queue(message)

    def _queue(self, message: OutgoingMessage) -> None:
        self._outgoing.put(message)
        self._say(Progressed(message))
        self._has_work.set()

    async def send_file(
        self,
        name: str,
        content: bytes,
        *,
        declared: str = "",
        caption: str = "",
        ref: str = "",
        on_progress: Progress = lambda sent, size: None,
    ) -> OutgoingMessage:
        """Upload, then say it. Raises GuestRefused or UploadFailed: then nothing was said."""
        check_text(caption, attachments=1)
        file = checked_file(name, content, declared=declared)
        if self._uploads is None:
            raise UploadFailed("this guest was given no way to upload", is_final=True)
        metadata = await self._uploads.upload(file, on_progress=on_progress)
        return await self.send(caption, attachments=[metadata], ref=ref)

    async def set_context(self, context: Mapping[str, Any]) -> None:
        """Replaces the last one; it is sent again after every reconnect."""
        self._context = check_context(context)
        await self._send_context()

    async def typing(self, state: Literal["active", "inactive"]) -> None:
        """Of use only now: without a connection it is forgotten."""
        if self._may_send.is_set():
            await self._try(typing_frame(state))

    async def _send_context(self) -> None:
        if self._context is not None and self._protocol.is_acknowledged:
            await self._try(context_frame(self._context))

    async def _try(self, frame: str) -> bool:
        link = self._link
        if link is None:
            return False
        try:
            await link.send(frame)
        except NotConnected:
            return False
        return True

    async def _send_waiting(self) -> None:
        """One after the other, never eleven in a second, only while acknowledged."""
        while True:
            await self._has_work.wait()
            await self._may_send.wait()
            wait_s = self._window.wait_s(self._monotonic())
            if wait_s > 0:
                await self._sleep(wait_s)
                continue
            message = self._outgoing.take()
            if message is None:
                self._has_work.clear()
                continue
            self._window.sent(self._monotonic())
            if not await self._try(message_frame(message.text, message.attachments)):
                self._may_send.clear()  # what became of it is found out after the reconnect
            self._say(Progressed(message))

    # What the platform says

    async def events(self) -> AsyncIterator[GuestEvent]:
        """What happens, in order, until `close`."""
        while (event := await self._unread.get()) is not None:
            if self._unread.qsize() < MAX_UNREAD:
                self._has_room.set()
            yield event

    def _say(self, event: GuestEvent) -> None:
        if isinstance(event, Connectivity):
            if event == self.state:
                return
            self.state = event
        self._unread.put_nowait(event)
        if self._unread.qsize() >= MAX_UNREAD:
            self._has_room.clear()

    def _changed(self, session: Session, change: StateChange) -> None:
        if session is not self._session or change.state in ("live", "refused"):
            return  # open is not live: the acknowledgement is awaited
        self._may_send.clear()
        state: Any = change.state
        self._say(Connectivity(state, change.attempts, change.reason))

    def _linked(self, session: Session, link: Link | None) -> None:
        if session is not self._session:
            return
        self._link = link
        if link is None:
            self._may_send.clear()
        else:
            self._own(self._await_acknowledgement(link), "guest-acknowledgement")

    async def _await_acknowledgement(self, link: Link) -> None:
        await asyncio.sleep(self._acknowledge_s)
        if self._link is link and not self._protocol.is_acknowledged:
            await link.close(UNACKNOWLEDGED, "not acknowledged")

    async def _received(self, event: Event) -> None:
        await self._has_room.wait()
        if isinstance(event, ChatConnected):
            await self._acknowledged(event)
        elif isinstance(event, ChatMessage):
            self._show(event)
        elif isinstance(event, ChatRefused):
            message = self._outgoing.refused(event.code, event.reason)
            if message is not None:
                self._has_work.set()
                self._say(Progressed(message))
            self._say(event)
        elif isinstance(event, ChatTyping | ChatRead):
            self._say(event)
        elif isinstance(event, Malformed):
            self.malformed += 1
            self._say(event)
        elif isinstance(event, Ignored):
            self.ignored += 1

    async def _acknowledged(self, event: ChatConnected) -> None:
        """What was said meanwhile, what became of ours, the context; then what waits may go."""
        self.conversation_id = event.conversation_id or self.conversation_id
        history = event.history
        unseen = None if history is None else [one for one in history if not self._has(one)]
        for message in self._outgoing.reconnected(unseen):
            self._say(Progressed(message))
        self._say(event)
        for told in (*(history or ()), *event.early):
            if isinstance(told, ChatMessage):
                self._show(told)
            else:
                self._say(told)
        await self._send_context()
        self._say(Connectivity("live"))
        self._may_send.set()
        self._has_work.set()

    def _has(self, message: ChatMessage) -> bool:
        return self._ordering.has(message.sequence_id)

    def _show(self, message: ChatMessage) -> None:
        placement = self._ordering.place(message, sequence_id=message.sequence_id)
        if placement is None:
            return
        own = self._outgoing.appeared(message)
        if own is not None:
            self._say(Progressed(own))
        following: Placed[ChatMessage] | None = placement.following
        self._say(
            Shown(
                message,
                own,
                before=following.item if following else None,
                missing=placement.placed.missing,
                gap_after=following.missing if following else 0,
            )
        )
