"""Agent typing sockets (protocol §5): one for each conversation in which an agent types.

Opened at the first keystroke, closed after a minute without one. What cannot be said at once is
said when the socket is open, if it is still true; nothing of it is kept anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import quote

from django.utils import timezone

from conversations.genesys.connection import Link
from conversations.genesys.events import Event
from conversations.genesys.exceptions import NotConnected
from conversations.genesys.oauth import TokenSource, bearer
from conversations.genesys.protocols.agent_typing import (
    EXPIRY_S,
    RECONNECT_S,
    UNUSED_S,
    AgentTypingProtocol,
    Indicator,
)
from conversations.genesys.protocols.verdicts import End, GaveUp, GiveUp
from conversations.genesys.session import Patience, Session, StateChange

logger = logging.getLogger(__name__)

REFUSED_REST_S = 300.0  # of all: the scope is missing for every conversation
ENDED_REST_S = 5.0  # of the conversation whose socket the platform closed on purpose
FAREWELL_S = 1.0  # for what is taken back before a socket is closed

Ending = End | GaveUp | GiveUp | None


class TypingSockets:
    """All of them. `limit`: at most so many; the one unused longest makes room for another."""

    def __init__(
        self,
        *,
        url: str,
        tokens: TokenSource,
        limit: int,
        unused_s: float = UNUSED_S,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        """`url` has {conversation_id} in it."""
        self._url, self._tokens = url, tokens
        self._limit, self._unused_s, self._reconnect_s = limit, unused_s, reconnect_s
        self._sockets: dict[str, TypingSocket] = {}
        self._resting: dict[str, float] = {}  # conversation → until when
        self._refused_until = float("-inf")
        self._is_full = False
        self.refusal = ""
        self.said = self.turned_away = 0

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def open(self) -> int:
        return sum(one.is_open for one in self._sockets.values())

    @property
    def is_full(self) -> bool:
        return len(self._sockets) >= self._limit

    def keystroke(self, conversation_id: str, agent_id: str, *, at: float) -> None:
        """`at` by the loop's clock. One that is too old to be true still opens nothing."""
        if _now() - at >= EXPIRY_S:
            return
        one = self._sockets.get(conversation_id)
        if one is None and self._may_open(conversation_id):
            one = self._sockets[conversation_id] = self._new(conversation_id)
        if one is not None:
            one.keystroke(agent_id, at=at)

    async def close(self) -> None:
        """Whoever types is taken back first."""
        await asyncio.gather(*(one.close() for one in list(self._sockets.values())))

    def _may_open(self, conversation_id: str) -> bool:
        now = _now()
        if now < self._refused_until or now < self._resting.get(conversation_id, now):
            return False
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        if not self.is_full:
            self._is_full = False
            return True
        idle = [one for one in self._sockets.values() if not one.is_typing]
        if idle:
            # There are never more than the limit: the next keystroke finds its place.
            min(idle, key=lambda one: one.used_at).end()
            return False
        self.turned_away += 1
        if not self._is_full:
            self._is_full = True
            logger.warning(
                "agent typing: all %s sockets are in use, some indicators are not shown; "
                "raise TYPING_SOCKETS",
                self._limit,
            )
        return False

    def _new(self, conversation_id: str) -> TypingSocket:
        return TypingSocket(
            conversation_id,
            url=self._url.replace("{conversation_id}", quote(conversation_id, safe="")),
            tokens=self._tokens,
            unused_s=self._unused_s,
            reconnect_s=self._reconnect_s,
            on_said=self._count,
            on_end=self._ended,
        )

    def _count(self, indicators: int) -> None:
        self.said += indicators
        self.refusal = ""

    def _ended(self, one: TypingSocket, ending: Ending) -> None:
        if self._sockets.get(one.conversation_id) is one:
            del self._sockets[one.conversation_id]
        if isinstance(ending, GiveUp):
            self._refused_until = _now() + REFUSED_REST_S
            if not self.refusal:
                logger.error("agent typing refused: %s", ending.reason)
            self.refusal = ending.reason
        elif ending is not None:
            logger.info("agent typing in %s ended: %s", one.conversation_id, ending.reason)
            self._resting[one.conversation_id] = _now() + ENDED_REST_S


class TypingSocket:
    """Of one conversation, from the first keystroke to a minute after the last."""

    def __init__(
        self,
        conversation_id: str,
        *,
        url: str,
        tokens: TokenSource,
        unused_s: float,
        reconnect_s: float,
        on_said: Callable[[int], None],
        on_end: Callable[[TypingSocket, Ending], None],
    ) -> None:
        self.conversation_id = conversation_id
        self._url, self._tokens = url, tokens
        self._unused_s, self._reconnect_s = unused_s, reconnect_s
        self._on_said, self._on_end = on_said, on_end
        self._protocol = AgentTypingProtocol(conversation_id, now=_now())
        self._link: Link | None = None
        self._changed = asyncio.Event()
        self._is_leaving = False
        self._session = self._new_session()
        self._task = asyncio.create_task(self._run(), name=f"typing:{conversation_id}")

    @property
    def is_open(self) -> bool:
        return self._link is not None

    @property
    def is_typing(self) -> bool:
        return self._protocol.is_typing

    @property
    def used_at(self) -> float:
        return self._protocol.used_at

    def keystroke(self, agent_id: str, *, at: float) -> None:
        self._protocol.keystroke(agent_id, at=at)
        self._changed.set()

    def end(self) -> None:
        """Let it close soon. Never waits."""
        self._session.stop()

    async def close(self) -> None:
        self._is_leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._say(self._protocol.take_all_ends())
        self.end()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        pump = asyncio.create_task(self._pump(), name=f"typing-pump:{self.conversation_id}")
        ending: Ending = None
        try:
            ending = await self._session.run()
            # A keystroke while it was being closed for want of use: it goes on, on a new one.
            while ending is None and self.is_typing and not self._is_leaving:
                self._session = self._new_session()
                ending = await self._session.run()
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            self._on_end(self, ending)

    async def _pump(self) -> None:
        """Says what is due; ends what nobody uses."""
        while True:
            self._changed.clear()
            if self._link is not None:
                await self._say(self._protocol.take_due(_now()))
            unused_at = self.used_at + self._unused_s
            if _now() >= unused_at:
                self.end()
            due_at = self._protocol.due_at() if self._link is not None else None
            wake_at = due_at if due_at is not None else max(unused_at, _now() + 1.0)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(wake_at):
                    await self._changed.wait()

    async def _say(self, indicators: Sequence[Indicator]) -> None:
        link = self._link
        if link is None:
            return
        try:
            for one in indicators:
                await link.send(self._protocol.frame(one, at=timezone.now()))
        except NotConnected:
            self._link = None  # the session opens another
            self._protocol.unsaid(indicators)
            return
        if indicators:
            self._on_said(len(indicators))

    def _new_session(self) -> Session:
        return Session(
            name=f"typing {self.conversation_id}",
            protocol=self._protocol,
            url=lambda _token: self._url,
            headers=bearer,
            tokens=self._tokens,
            on_event=_of_no_use,
            on_state=self._on_state,
            on_link=self._on_link,
            patience=Patience(waits_refused=False),
            first_delay_s=self._reconnect_s,
            longest_delay_s=self._reconnect_s,
        )

    def _on_link(self, link: Link | None) -> None:
        self._link = link
        if link is not None:
            self._protocol.opened()
        self._changed.set()

    def _on_state(self, change: StateChange) -> None:
        """Nothing to keep: a socket that is away shows in what its owner counts."""


async def _of_no_use(_event: Event) -> None:
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
