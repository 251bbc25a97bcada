"""Keeps what agents type: counts it at once, stores it every few seconds, from one thread.

What a kill takes away is what came since the last flush. Nothing is stored twice: a flush that may
have been stored is handed over again as it was, under its number (services/typing.py).
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from assist.engagement import lines
from assist.engagement.tally import Key, Tally
from assist.engagement.typed import Typed
from assist.services.typing import add_typed
from conversations import outages
from conversations.processes import process_name
from conversations.watch import limited

logger = logging.getLogger(__name__)

FLUSH_S = 2.0
CLOSE_S = 2.5  # a web process that ends is given 3 s (config/shutdown.py)
_STOPPED_S = 0.5
Write = Callable[[Mapping[Key, Typed], str, int], object]


def _write(typed: Mapping[Key, Typed], writer: str, number: int) -> None:
    add_typed(typed, writer=writer, number=number)


class Keeper:
    def __init__(
        self,
        *,
        tally: Tally | None = None,
        writer: str | None = None,
        write: Write = _write,
        flush_s: float = FLUSH_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally or Tally()
        self._writer = writer or process_name()
        self._write = write
        self._flush_s = flush_s
        self._monotonic = monotonic
        self._in_hand: dict[Key, Typed] = {}
        self._number = 1  # of the next flush
        self._writing = threading.Lock()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_full = False

    def report(self, conversation_id: int, agent_id: str, count: int, at: datetime) -> None:
        """On an event loop: neither waits nor asks the database."""
        has_room = self._tally.add((conversation_id, agent_id), count, at, now=self._monotonic())
        if not has_room and not self._is_full:
            self._is_full = True
            logger.error("keystrokes are not counted: too many wait to be stored")
        self._wanted.set()

    def start(self) -> None:
        """The thread that stores; its last flush comes when the process ends in good order."""
        if self._thread is None:
            atexit.register(self.close)
            self._thread = threading.Thread(target=self._run, name="engagement", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Store and say what there is; whoever comes second finds nothing left."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)
            return
        self.flush(is_last=True)

    def flush(self, *, is_last: bool = False) -> bool:
        """Store what gathered, and say a line of each burst that is over; False: not stored."""
        with self._writing:
            try:
                with limited():
                    self._store()
                    self._say(is_last=is_last)
            except (OperationalError, InterfaceError) as error:
                close_old_connections()
                outages.tell(error)
                return False
            except DatabaseError:
                logger.exception("figures of keystrokes were refused and are left out")
                self._in_hand = {}  # rolled back: its number is free
                return False
        outages.database_is_back()
        self._is_full = False
        return True

    def _store(self) -> None:
        """What is in hand first, as it was handed over before; then what has gathered."""
        self._hand_over()
        self._in_hand = self._tally.take()
        self._hand_over()

    def _hand_over(self) -> None:
        if self._in_hand:
            self._write(self._in_hand, self._writer, self._number)
            self._in_hand, self._number = {}, self._number + 1

    def _say(self, *, is_last: bool) -> None:
        now = float("inf") if is_last else self._monotonic()
        lines.say(self._tally.ended(now=now), now=timezone.now())

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait()
            self._wanted.clear()
            while self._tally or self._in_hand:
                if self._stopping.wait(self._flush_s):
                    break
                self.flush()
        self.flush(is_last=True)
        close_old_connections()


_lock = threading.Lock()
_running: dict[int, Keeper] = {}  # by process id: a fork has no threads


def running() -> Keeper:
    """This process's keeper, started at the first call."""
    keeper = _running.get(os.getpid())
    if keeper is None:
        with _lock:
            keeper = _running.setdefault(os.getpid(), Keeper())
            keeper.start()
    return keeper


def close() -> None:
    """Before a process ends in a way that calls nobody else."""
    keeper = _running.get(os.getpid())
    if keeper is not None:
        keeper.close()
