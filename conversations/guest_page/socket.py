"""`ws/simulator/`: an ASGI application between a browser's socket and a GuestPage.

Signed-in users with the role come through the console's own doors. Where SIMULATOR_PUBLIC is set,
pages of SIMULATOR_ORIGINS come too, without a login: as guests, and as nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.utils.crypto import constant_time_compare

from conversations import access
from conversations.guest_page.page import GuestPage, Progress
from conversations.guest_page.progress import progress_of
from conversations.guest_page.uploads import Tools, borrowed_tools
from conversations.live import frames
from conversations.live.database import Busy, read

MAX_PAGES = 100  # of a process; each holds a socket to the platform
MAX_PUBLIC = 50  # of these
MESSAGES_PER_S = 50.0
MESSAGE_BURST = 500.0  # two hundred at once are a test that people make
RIGHTS_S = 3.0
PATH = "/ws/simulator/"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Send], Awaitable[None]]

_pages = _public = 0


async def simulator_socket(scope: Any, receive: Any, send: Send) -> None:
    """For users: who has been let in by origin and session is admitted by role."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})  # a browser learns a close code only when open
    user, session = scope["user"], scope["session"]
    if not settings.SIMULATOR_PAGE:
        await _close(send, frames.NOT_FOUND)
        return
    if not user.is_authenticated:
        await _close(send, frames.UNAUTHENTICATED)
        return
    pass_ = (user.pk, session.session_key, session.get(HASH_SESSION_KEY, ""))
    await serve(receive, send, owner=user.pk, admit=lambda: read(_verdict, *pass_))


class PublicSimulator:
    """Lets front ends of the listed origins in without a login; all others go on as ever."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if not _is_public(scope):
            await self._application(scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        await serve(receive, send, owner=None, admit=anybody)


def _is_public(scope: Any) -> bool:
    if not settings.SIMULATOR_PUBLIC or scope.get("path") != PATH:
        return False
    sent = [value for name, value in scope["headers"] if name == b"origin"]
    listed = {origin.encode("ascii", "replace") for origin in settings.SIMULATOR_ORIGINS}
    return len(sent) == 1 and sent[0] in listed


async def anybody() -> int:
    return 0


def _verdict(user_id: int, session_key: str, session_hash: str) -> int:
    """The close code for somebody who may not, or no longer; 0 else."""
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if user is None or store.get(SESSION_KEY) != str(user_id):
        return frames.UNAUTHENTICATED
    if not constant_time_compare(session_hash, user.get_session_auth_hash()):
        return frames.UNAUTHENTICATED
    if not access.session_stands(user, store):
        return frames.UNAUTHENTICATED
    return 0 if access.can(user, "simulator") else frames.FORBIDDEN


async def serve(
    receive: Any,
    send: Send,
    *,
    owner: int | None,
    admit: Callable[[], Awaitable[int]],
    tools: Callable[[], AbstractAsyncContextManager[Tools]] = borrowed_tools,
    socket_url: str = "",
    progress: Progress | None = None,
) -> None:
    """One socket to its end. `socket_url`: the platform's guest socket; default: the setting."""
    global _pages, _public
    is_public = owner is None
    if _pages >= MAX_PAGES or (is_public and _public >= MAX_PUBLIC):
        await _close(send, frames.BUSY)
        return
    _pages += 1
    _public += is_public
    try:
        code = await admit()
        if code:
            await _close(send, code)
            return
        async with tools() as borrowed:
            page = GuestPage(
                socket_url=socket_url or settings.GENESYS_WEBCHAT_SOCKET_URL,
                tools=borrowed,
                progress=progress or _progress,
                owner=owner,
            )
            await _Door(receive, send, page=page, admit=admit).run()
    except Busy:
        await _close(send, frames.BUSY)
    finally:
        _pages -= 1
        _public -= is_public


class _Door:
    """One browser's socket: in order, bounded in rate, asked again for its rights."""

    def __init__(
        self, receive: Any, send: Send, *, page: GuestPage, admit: Callable[[], Awaitable[int]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._admit = admit
        self._saying = asyncio.Lock()
        self._is_closed = False
        self._allowance, self._allowed_at = MESSAGE_BURST, time.monotonic()
        self._page = page
        page.say = self._say

    async def run(self) -> None:
        rights = asyncio.create_task(self._ask_rights(), name="guest-page-rights")
        reading = asyncio.create_task(self._read(), name="guest-page-reader")
        try:
            done, _ = await asyncio.wait({rights, reading}, return_when=asyncio.FIRST_COMPLETED)
            if rights in done and not self._is_closed:
                await self._close(rights.result())
            for task in done:
                task.result()
        finally:
            self._is_closed = True
            for task in (rights, reading):
                task.cancel()
            await asyncio.gather(rights, reading, return_exceptions=True)
            await self._page.close()

    async def _read(self) -> None:
        await self._page.begin()
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                self._is_closed = True
                return
            text = message.get("text")
            if text is None:
                await self._say({"error": "only text frames are read", "field": "action"})
            elif not self._is_allowed():
                await self._close(frames.TOO_MANY)
                return
            else:
                await self._page.act(text)

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        earned = (now - self._allowed_at) * MESSAGES_PER_S
        self._allowance = min(MESSAGE_BURST, self._allowance + earned) - 1
        self._allowed_at = now
        return self._allowance >= 0

    async def _ask_rights(self) -> int:
        while True:
            await asyncio.sleep(RIGHTS_S)
            if code := await self._admit():
                return code

    async def _say(self, frame: Mapping[str, Any]) -> None:
        async with self._saying:
            if not self._is_closed:
                for piece in frames.encode(frame).pieces:
                    await self._send({"type": "websocket.send", "text": piece.text})

    async def _close(self, code: int) -> None:
        async with self._saying:
            if not self._is_closed:
                self._is_closed = True
                await _close(self._send, code)


async def _progress(external_id: str, after: int) -> Mapping[str, Any] | None:
    return await read(progress_of, external_id, after)


async def _close(send: Send, code: int) -> None:
    await send({"type": "websocket.close", "code": code})
