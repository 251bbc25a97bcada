"""The one crossing from live coroutines to the database: a small, bounded set of threads.

Never `database_sync_to_async`: it runs all sockets of a process on one thread (reliability F17).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

from conversations import outages
from conversations.watch import limited

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

THREADS = 4
# Calls; one more is refused, and its socket closed. All pages of a process may come back at once:
# their admissions are short, and what they start from is shared.
MAX_WAITING = 1000

_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="live-database")
_waiting = 0


class Busy(Exception):
    """More calls wait for the database than can be answered soon."""


async def read(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Run `function` in a database thread; raises Busy instead of queueing without end."""
    global _waiting
    if _waiting >= MAX_WAITING:
        raise Busy
    _waiting += 1
    try:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_executor, lambda: _fresh(function, *args, **kwargs))
    finally:
        _waiting -= 1


def _fresh(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    close_old_connections()
    try:
        with limited():
            result = function(*args, **kwargs)
        outages.database_is_back()
        return result
    finally:
        close_old_connections()
