"""Ends the web server in time, whatever a request was waiting for.

A request that is under way when Daphne's loop stops waits for that loop in a thread (asgiref), and
Python waits for its threads: without this the process stays until somebody kills it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

LINGER_S = 3.0  # for what ends by itself: what is stored was committed, the rest asks again


def end_in_time(*, after: Callable[[], object] = lambda: None) -> None:
    """In a process of Daphne's own; the demo runs its server within a larger one.

    `after` is what is still done: it must not wait for the loop.
    """
    if "daphne.cli" not in sys.modules:
        return
    from twisted.internet import reactor

    reactor.addSystemEventTrigger("after", "shutdown", _begin_to_end, after)  # type: ignore[arg-type]


def _begin_to_end(after: Callable[[], object]) -> None:
    threading.Thread(target=_end, args=(after,), name="end-in-time", daemon=True).start()


def _end(after: Callable[[], object]) -> None:
    deadline = time.monotonic() + LINGER_S
    after()
    time.sleep(max(0.0, deadline - time.monotonic()))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
