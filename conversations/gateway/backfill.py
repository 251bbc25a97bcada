"""Fetches what was said while no socket was open; the platform never repeats it by itself.

TRAP: after every connect the history of what was active since the last frame − 60 s is read.
Live events of a conversation wait for its backfill, each at most 2 s, so that order is kept; and
where some wait the history is read first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError

from conversations.gateway.inbox import InboxLost
from conversations.genesys.events import Event
from conversations.genesys.exceptions import GenesysError, Permanent, TooLarge
from conversations.genesys.rest import GenesysRest

logger = logging.getLogger(__name__)

HOLD_S = 2.0
_SIDE_BY_SIDE = 8

Put = Callable[[Event], Awaitable[None]]


class Backfill:
    """One for each opened connection. Events go through `offer` while it runs."""

    def __init__(
        self,
        *,
        rest: GenesysRest,
        put: Put,
        since: datetime,
        known_since: Callable[[datetime], Awaitable[list[str]]],
        known: Callable[[list[str]], Awaitable[set[str]]],
        hold_s: float = HOLD_S,
    ) -> None:
        self._rest = rest
        self._put = put
        self._since = since
        self._known_since = known_since
        self._known = known
        self._followed: set[str] = set()  # conversations that we have received before
        self._hold_s = hold_s
        self._waited_for: set[str] | None = None  # None: not known yet, so all are waited for
        self._left: dict[str, None] = {}  # conversations whose history is still to be read
        self._unread: list[str] = []  # those that the last round could not read
        self._given_up: set[str] = set()  # those that nobody can read
        self._held: dict[str, deque[Event]] = {}
        self._held_since: dict[str, float] = {}
        self._overdue: set[str] = set()  # conversations that have waited long enough
        self._releasing = asyncio.Lock()
        self._is_holding = True
        self._is_lost = False
        self.messages = 0

    async def offer(self, event: Event) -> None:
        """A live event: stored now, or held until its conversation's history is in."""
        conversation_id = getattr(event, "conversation_id", None)
        if conversation_id is not None and self._must_wait(conversation_id):
            self._hold(conversation_id, event)
            return
        await self._put(event)

    def _hold(self, conversation_id: str, event: Event) -> None:
        if conversation_id not in self._held:
            self._held[conversation_id] = deque()
            self._held_since[conversation_id] = asyncio.get_running_loop().time()
        self._held[conversation_id].append(event)

    async def run(self) -> bool:
        """Fetch all of it; True when the gap is closed.

        Run again, it fetches what it could not: no more than that, where nothing was lost.
        """
        unread: list[str] | None = None  # not known
        limit = asyncio.create_task(self._hold_no_longer(), name="backfill-hold")
        self._is_lost = False
        try:
            conversations = self._unread or await self._find()
            failed = await self._fetch_all(conversations)
            await self._release_all()
            unread = failed
        except (GenesysError, InboxLost, DatabaseError, InterfaceError) as error:
            # What could not be stored is read again: the history still has it.
            logger.warning("backfill interrupted: %s", _in_short(error))
        finally:
            limit.cancel()
            await self._release_all_the_same()
            is_known = unread is not None and not self._is_lost
            self._unread = unread if unread and is_known else []
        return is_known and not self._unread

    def _must_wait(self, conversation_id: str) -> bool:
        """Behind what is held already, whatever else: no event overtakes another."""
        is_awaited = self._is_holding and self._waits(conversation_id)
        return is_awaited or conversation_id in self._held

    def _waits(self, conversation_id: str) -> bool:
        if conversation_id in self._overdue:
            return False
        return self._waited_for is None or conversation_id in self._waited_for

    async def _find(self) -> list[str]:
        """All whose history is to be read."""
        conversations = await self._active()
        self._waited_for = set(conversations)
        self._followed = await self._known(conversations)
        await self._release_others()
        return conversations

    async def _active(self) -> list[str]:
        active = await self._rest.active_conversations(self._since)
        if active is None:  # the platform lacks the call: the conversations known here
            return await self._known_since(self._since)
        return [row.conversation_id for row in active]

    async def _fetch_all(self, conversations: Sequence[str]) -> list[str]:
        """Those that could not be read, and may be later."""
        self._left = dict.fromkeys(conversations)
        readers = [
            asyncio.create_task(self._fetch_what_is_left(), name=f"backfill-{number}")
            for number in range(min(_SIDE_BY_SIDE, len(self._left)))
        ]
        try:
            return [name for failed in await asyncio.gather(*readers) for name in failed]
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _fetch_what_is_left(self) -> list[str]:
        failed = []
        while self._left:
            name = self._next()
            if not await self._fetch(name):
                failed.append(name)
        return failed

    def _next(self) -> str:
        """Where somebody speaks now comes first: their words wait for it, and not for long."""
        urgent = next((name for name in self._held if name in self._left), None)
        name = urgent or next(iter(self._left))
        del self._left[name]
        return name

    async def _fetch(self, conversation_id: str) -> bool:
        """One conversation's history, then what was held of it."""
        try:
            history = await self._history(conversation_id)
        except (GenesysError, DatabaseError, InterfaceError) as error:
            if not _is_for_good(error):
                logger.warning("history not readable: %s", _in_short(error))
                return False
            logger.error("history of %s given up: %s", conversation_id, error)
            self._given_up.add(conversation_id)
            history = None
        for event in history or ():
            await self._put(event)
        self.messages += len(history or ())
        await self._release(conversation_id)
        return True

    async def _history(self, conversation_id: str) -> Sequence[Event] | None:
        """What was said before `since` came by an open socket, where we have followed the
        conversation: to store all of a long one again would hold up its live events for nothing.

        A malformed entry in a history is kept once a connection, like a malformed frame.
        """
        if conversation_id in self._given_up:
            return None
        since = self._since if conversation_id in self._followed else None
        return await self._rest.conversation_messages(conversation_id, since=since)

    async def _release(self, conversation_id: str) -> None:
        if self._waited_for is not None:
            self._waited_for.discard(conversation_id)
        async with self._releasing:
            held = self._held.get(conversation_id)
            while held:
                await self._put(held[0])
                held.popleft()  # only now: whoever is cancelled in `put` has not taken it
            self._held.pop(conversation_id, None)
            self._held_since.pop(conversation_id, None)

    async def _release_others(self) -> None:
        for conversation_id in [key for key in self._held if not self._waits(key)]:
            await self._release(conversation_id)

    async def _release_all(self) -> None:
        self._is_holding = False
        while self._held:
            await self._release(next(iter(self._held)))

    async def _release_all_the_same(self) -> None:
        """A loss is said once and keeps nothing held: what waits behind it would wait for ever."""
        while self._held:
            try:
                await self._release_all()
            except InboxLost:
                self._is_lost = True

    async def _hold_no_longer(self) -> None:
        """No event waits longer than its time; what its history brings later comes after it."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._hold_s / 20)
            due = loop.time() - self._hold_s
            for name in [key for key, since in self._held_since.items() if since <= due]:
                self._overdue.add(name)
                try:
                    await self._release(name)
                except InboxLost:
                    self._is_lost = True


def _is_for_good(error: Exception) -> bool:
    """Not a redirect: that is a gateway in between, and often one under maintenance."""
    if isinstance(error, Permanent):
        return error.status >= 400
    return isinstance(error, TooLarge)


def _in_short(error: Exception) -> str:
    """A database error's text may quote a statement with its values."""
    is_told = isinstance(error, GenesysError | InboxLost)
    return str(error) if is_told else type(error).__name__
