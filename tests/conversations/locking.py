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
    await call(_be_impatient, wait_ms)
    locked, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=_hold, args=(locked, release), daemon=True)
    holder.start()
    assert locked.wait(20)
    try:
        yield
    finally:
        release.set()
        holder.join(5)
        if connection.vendor == "postgresql":
            await call(_be_patient)
            _make_patient_what_lies_in_the_pool()


def _be_impatient(wait_ms: int) -> None:
    statement = f"SET lock_timeout = '{wait_ms}ms'"
    if connection.vendor == "sqlite":
        statement = f"PRAGMA busy_timeout = {wait_ms}"
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _be_patient() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def _make_patient_what_lies_in_the_pool() -> None:
    """A connection that failed meanwhile went back there as it was, for the tests that follow."""
    pool: Any = connection.pool  # type: ignore[attr-defined]
    idle = [pool.getconn(timeout=5) for _ in range(pool.get_stats()["pool_available"])]
    for one in idle:
        one.execute("RESET lock_timeout")
        one.commit()
        pool.putconn(one)


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
