"""The one crossing from asyncio to the database: a thread that commits what has gathered.

Coroutines hand over items and await their commit; whatever came while the last commit ran goes
into the next one (group commit). Nothing else of an event loop touches the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from django.db import InterfaceError, OperationalError, ProgrammingError, close_old_connections

from conversations import outages
from conversations.watch import limited

logger = logging.getLogger(__name__)

LATER = object()  # a result: not done in this commit, to be handed over again in the next
Item = TypeVar("Item")
Result = TypeVar("Result")
_RETRY_S = (0.2, 1.0, 2.0, 4.0)


class Closed(RuntimeError):
    """The crossing's thread has ended: nothing goes over any more."""


class Crossing(Generic[Item]):
    """Owns one database thread. `commit` gets a batch and returns a result for each item.

    It may answer LATER for some, never for all: those come first in the next batch.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Any]],
        *,
        name: str,
        limit: int = 200,
    ) -> None:
        self._commit = commit
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Any]]] = deque()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-database")
        self._name = name
        self._pump: asyncio.Task[None] | None = None
        self._is_closed = False
        self.commits = 0

    def submit(self, item: Item) -> asyncio.Future[Any]:
        """Hand over `item`; the future ends with its result once it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((item, future))
        if self._pump is None or self._pump.done():
            self._pump = loop.create_task(self._run(), name=f"{self._name}-commits")
        return future

    async def commit(self, item: Item) -> Any:
        return await self.submit(item)

    async def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """Run `function` on the database thread, between two commits."""
        if self._is_closed:
            raise Closed(self._name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _with_connection, function, args)

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        while self._pump is not None and not self._pump.done():
            await asyncio.wait({self._pump}, timeout=1)
        loop = asyncio.get_running_loop()
        self._is_closed = True
        await loop.run_in_executor(self._executor, close_old_connections)
        self._executor.shutdown(wait=False)

    async def _run(self) -> None:
        while self._waiting:
            count = min(self._limit, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            await self._commit_batch(batch)

    async def _commit_batch(self, batch: list[tuple[Item, asyncio.Future[Any]]]) -> None:
        try:
            results = await self._durably([item for item, _ in batch])
        except (OperationalError, InterfaceError) as error:
            _fail(batch, error)
        except Exception as error:  # one bad item must not take the others with it
            if len(batch) == 1:
                logger.exception("%s: a change could not be committed", self._name)
                _fail(batch, error)
                return
            logger.warning("%s: batch refused, committing one by one", self._name)
            for pair in batch:
                await self._commit_batch([pair])
        else:
            put_off = []
            for pair, result in zip(batch, results, strict=True):
                if result is LATER:
                    put_off.append(pair)
                else:
                    _settle(pair[1], result)
            self._waiting.extendleft(reversed(put_off))

    async def _durably(self, items: list[Item]) -> Sequence[Any]:
        """Commit `items`, again while the database is away: every change is safe to repeat."""
        for delay in (*_RETRY_S, None):
            try:
                results = await self._in_thread(self._commit, items)
            except (OperationalError, InterfaceError):
                if delay is None:
                    raise
                await asyncio.sleep(delay)
            else:
                self.commits += 1
                return results
        raise AssertionError("unreachable")

    def _in_thread(self, function: Callable[..., Result], *args: Any) -> Awaitable[Result]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, _with_connection, function, args)


def _with_connection(function: Callable[..., Result], args: tuple[Any, ...]) -> Result:
    try:
        with limited():
            result = function(*args)
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        close_old_connections()  # a broken connection is replaced, not kept
        trouble = outages.tell(error)
        if trouble and trouble.kind == "tables":  # waited for as a database that is away
            raise outages.TablesMissing(str(error)) from error.__cause__
        raise
    outages.database_is_back()
    return result


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _fail(batch: Sequence[tuple[Any, asyncio.Future[Any]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
