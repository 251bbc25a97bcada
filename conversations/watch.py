"""Ends a database call that gets no answer (reliability E2).

A peer that acknowledges and never answers trips no time limit of the server's, of TCP's or of the
driver's. So whoever calls on a thread of ours says for how long it may last; past that its socket
is shut down, the call fails as on a broken connection, and the connection is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

logger = logging.getLogger(__name__)

LIMIT_S = 16.0  # statement_timeout is 15 s: who is only slow has been told so by then
_LOOK_S = 0.5


class _Watch:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[int, tuple[float, Any]] = {}
        self._thread: threading.Thread | None = None
        self._pid = 0

    @contextlib.contextmanager
    def limited(self, limit_s: float) -> Iterator[None]:
        database = connections[DEFAULT_DB_ALIAS]
        if database.vendor != "postgresql":
            yield
            return
        key = threading.get_ident()
        with self._lock:
            before = self._calls.get(key)
            if before is None:
                self._calls[key] = (time.monotonic() + limit_s, database)
            if self._thread is None or self._pid != os.getpid():  # a fork has no threads
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            if before is None:
                with self._lock:
                    self._calls.pop(key, None)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            now = time.monotonic()
            with self._lock:
                late = [(key, call[1]) for key, call in self._calls.items() if now > call[0]]
                for key, database in late:
                    # Again in a while, if it goes on all the same with another connection.
                    self._calls[key] = (now + LIMIT_S, database)
            for _, database in late:
                _cut(database)


def _cut(database: Any) -> None:
    connection = database.connection
    if connection is None or connection.closed:
        return
    logger.warning("the database has not answered for %.0f s: the connection is cut", LIMIT_S)
    with contextlib.suppress(OSError):
        twin = socket.socket(fileno=os.dup(connection.pgconn.socket))
        try:
            twin.shutdown(socket.SHUT_RDWR)
        finally:
            twin.close()


_watch = _Watch()


def limited(limit_s: float = LIMIT_S) -> contextlib.AbstractContextManager[None]:
    """The database calls of this thread inside must be over after `limit_s` seconds."""
    return _watch.limited(limit_s)
