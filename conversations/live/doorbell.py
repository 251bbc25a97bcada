"""Tells web processes that there is something to read; the only module that sends to the layer.

A hint and never a message: it carries no text, may be lost, and never delays who rings it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

GROUP = "parley.live"
TYPED_GROUP = "parley.typed"  # of the gateway that holds the typing sockets; pages do not hear it
GATHER_S = 0.03  # bells closer together than this go out as one; the first after a pause at once
PAIRS_A_MESSAGE = 200
MAX_PENDING = 10_000  # conversations; readers poll, so what does not fit is late and not lost
SEND_WITHIN_S = 3.0
CIRCUIT_S = 10.0  # after a failure nothing is sent for so long
LOG_EVERY_S = 60.0


class Doorbell:
    """Gathers bells from any thread and sends them on one event loop.

    With Redis that is a loop of its own. The in-memory layer belongs to the loop of the web
    server, which `bind` names: a send from another loop arrives up to a second late.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pairs: dict[int, int] = {}
        self._typing: dict[tuple[int, str], dict[str, Any]] = {}
        self._passing: dict[str, dict[str, Any]] = {}
        self._typed: dict[tuple[str, str], float] = {}
        self._armed = False
        self._home: asyncio.AbstractEventLoop | None = None
        self._own: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._last_flush = 0.0
        self._closed_until = 0.0
        self._next_log = 0.0
        self._flushing: asyncio.Task[None] | None = None
        self.sent = 0
        self.failures = 0
        self.dropped = 0

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` runs the web server of this process."""
        with self._lock:
            if loop is not self._home:
                self._armed = False  # what an earlier one was to send, it will not
            self._home = loop

    def home(self) -> asyncio.AbstractEventLoop | None:
        """The web server's loop, once a page was open."""
        return self._home

    def lend(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` runs for as long as this process: it sends what goes through Redis."""
        self._own, self._pid = loop, os.getpid()

    def ring(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Conversations (primary key) have journal entries up to seq. Never raises, never waits."""
        with self._lock:
            for conversation, seq in pairs:
                if len(self._pairs) >= MAX_PENDING and conversation not in self._pairs:
                    self.dropped += 1
                    continue
                self._pairs[conversation] = max(seq, self._pairs.get(conversation, 0))
        self._wake()

    def typing(self, conversation: int, origin: str, state: str, at: datetime) -> None:
        """Somebody types or has stopped: sent at most once, kept nowhere."""
        with self._lock:
            if len(self._typing) >= MAX_PENDING:
                self.dropped += 1
                return
            self._typing[conversation, origin] = {
                "type": "typing",
                "conversation": conversation,
                "origin": origin,
                "state": state,
                "at": at.isoformat(),
            }
        self._wake()

    def keystroke(self, conversation: str, agent: str, *, age_s: float) -> None:
        """An agent has typed, so long ago (ids of the platform): sent at most once, the latest."""
        with self._lock:
            if len(self._typed) >= MAX_PENDING and (conversation, agent) not in self._typed:
                self.dropped += 1
                return
            self._typed[conversation, agent] = time.monotonic() - age_s
        self._wake()

    def pass_on(self, key: str, message: dict[str, Any]) -> None:
        """Something to be shown live, at most once, and kept nowhere; the latest of a key counts.

        It has a `type` that pages of its kind know, and nothing that may not leave this process.
        """
        with self._lock:
            if len(self._passing) >= MAX_PENDING and key not in self._passing:
                self.dropped += 1
                return
            self._passing[key] = message
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._armed or not self._count():
                return
            loop = self._loop()
            if loop is None:
                self._forget()
                return
            try:
                loop.call_soon_threadsafe(self._arm)
                self._armed = True
            except RuntimeError:  # that loop has ended
                self._forget()

    def _count(self) -> int:
        return len(self._pairs) + len(self._typing) + len(self._passing) + len(self._typed)

    def _forget(self) -> None:
        self.dropped += self._count()
        for waiting in (self._pairs, self._typing, self._passing, self._typed):
            waiting.clear()

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        if self._pid != os.getpid():  # a forked worker has the parent's objects, not its threads
            self._own, self._pid = None, os.getpid()
        if isinstance(get_channel_layer(), InMemoryChannelLayer):
            # Unbound: nobody in this process listens, and nobody else can.
            return None if self._home is None or self._home.is_closed() else self._home
        if self._own is None or self._own.is_closed():
            self._own = asyncio.new_event_loop()
            threading.Thread(target=self._own.run_forever, name="doorbell", daemon=True).start()
        return self._own

    def _arm(self) -> None:
        """On the loop: at once after a pause, else when the gathering time is over."""
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._last_flush + GATHER_S - loop.time())
        loop.call_later(wait, self._start_flush)

    def _start_flush(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_flush = loop.time()
        if self._flushing is not None and not self._flushing.done():
            loop.call_later(GATHER_S, self._start_flush)  # still sending: go on gathering
            return
        self._flushing = loop.create_task(self._flush(), name="doorbell")

    async def _flush(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, {}
            typing, self._typing = self._typing, {}
            passing, self._passing = self._passing, {}
            typed, self._typed = self._typed, {}
            self._armed = False
        live = [*_bells(pairs), *typing.values(), *passing.values()]
        messages = [*((GROUP, one) for one in live), *((TYPED_GROUP, one) for one in _keys(typed))]
        if time.monotonic() < self._closed_until:
            self.dropped += len(messages)
            return
        layer = get_channel_layer()
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                for group, message in messages:
                    await layer.group_send(group, message)
                    self.sent += 1
        except Exception as error:  # noqa: BLE001 - best effort: whatever Redis says, work goes on
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        now = time.monotonic()
        self._closed_until = now + CIRCUIT_S
        if now >= self._next_log:
            self._next_log = now + LOG_EVERY_S
            logger.warning(
                "Doorbell cannot reach the channel layer (%s, %s failures so far): pages poll.",
                type(error).__name__,
                self.failures,
            )


def _bells(pairs: dict[int, int]) -> Iterable[dict[str, Any]]:
    items = iter(pairs.items())
    while part := [list(pair) for pair in islice(items, PAIRS_A_MESSAGE)]:
        yield {"type": "bell", "pairs": part}


def _keys(typed: dict[tuple[str, str], float]) -> Iterable[dict[str, Any]]:
    now = time.monotonic()
    items = iter(typed.items())
    while part := [[*who, now - at] for who, at in islice(items, PAIRS_A_MESSAGE)]:
        yield {"type": "keys", "typed": part}


_doorbell = Doorbell()
bind = _doorbell.bind
lend = _doorbell.lend
home = _doorbell.home
keystroke = _doorbell.keystroke
ring = _doorbell.ring
typing = _doorbell.typing
pass_on = _doorbell.pass_on


def counts() -> dict[str, int]:
    """For the metrics of this process."""
    return {
        "sent": _doorbell.sent,
        "failures": _doorbell.failures,
        "dropped": _doorbell.dropped,
    }
