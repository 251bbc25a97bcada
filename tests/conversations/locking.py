"""A database that does not let anybody write for a while, for real: by a lock of another client."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from django.db import connection, transaction

Call = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def locked_out(call: Call, *, wait_ms: int) -> AsyncIterator[None]:
    """Inside, writes on the connection of `call` fail after `wait_ms` with OperationalError."""
    raw = await call(_be_impatient, wait_ms)
    locked, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=_hold, args=(locked, release), daemon=True)
    holder.start()
    assert locked.wait(20)
    try:
        yield
    finally:
        release.set()
        holder.join(5)
        if connection.vendor == "postgresql" and not raw.closed:
            raw.execute("RESET lock_timeout")  # it goes back to the pool as it came


def _be_impatient(wait_ms: int) -> Any:
    statement = f"SET lock_timeout = '{wait_ms}ms'"
    if connection.vendor == "sqlite":
        statement = f"PRAGMA busy_timeout = {wait_ms}"
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return connection.connection


def _hold(locked: threading.Event, release: threading.Event) -> None:
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE conversations_conversation IN EXCLUSIVE MODE")
            locked.set()
            release.wait(60)
    finally:
        connection.close()
