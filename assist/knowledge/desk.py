"""Looks up what was said, never in the stream's way: bounded, limited in time, with a breaker.

Plain asyncio. A question that finds the queue full pushes out the oldest: what is asked now is of
more use. Each question ends in exactly one `Reply`, also one that was dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assist.knowledge.base import Article, KnowledgeFailed, KnowledgeService

logger = logging.getLogger(__name__)

QUEUE = 100
WORKERS = 4
LIMIT_S = 3.0
LATE_MS = 2_000  # an answer this long after the words: the talk has gone on
CACHED = 1_000
CACHE_S = 300.0
FAILURES = 5  # in a row open the breaker
OPEN_S = 15.0


@dataclass(frozen=True, slots=True)
class Question:
    query: str
    interaction_id: str
    confidence: float | None
    heard_at: float  # by the loop's clock


@dataclass(frozen=True, slots=True)
class Reply:
    """`error` and `was_dropped` say why there are no articles; both empty: there are none."""

    articles: Sequence[Article] = ()
    latency_ms: int = 0
    is_late: bool = False
    from_cache: bool = False
    was_dropped: bool = False
    error: str = ""


class Desk:
    """Belongs to one event loop. `open` before the first question, `close` at the end."""

    def __init__(self, service: KnowledgeService) -> None:
        self._service = service
        self._waiting: deque[tuple[Question, Callable[[Reply], None]]] = deque()
        self._arrived = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._cache: OrderedDict[str, tuple[float, Sequence[Article]]] = OrderedDict()
        self._failures = 0
        self._open_until = 0.0

    def ask(self, question: Question, reply: Callable[[Reply], None]) -> None:
        """Never waits; `reply` is called on the loop, once."""
        if not self._workers:
            self._workers = [
                asyncio.get_running_loop().create_task(self._work(), name=f"knowledge-{number}")
                for number in range(WORKERS)
            ]
        if len(self._waiting) >= QUEUE:
            _, dropped = self._waiting.popleft()
            dropped(Reply(was_dropped=True))
        self._waiting.append((question, reply))
        self._arrived.set()

    async def close(self) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        while self._waiting:
            _, dropped = self._waiting.popleft()
            dropped(Reply(was_dropped=True))
        await self._service.aclose()

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            question, reply = self._waiting.popleft()
            try:
                found = await self._answer(question)
            except asyncio.CancelledError:
                reply(Reply(was_dropped=True))
                raise
            reply(found)

    async def _answer(self, question: Question) -> Reply:
        loop = asyncio.get_running_loop()
        known = self._known(question, loop.time())
        if known is not None:
            return self._reply(question, known, from_cache=True)
        if loop.time() < self._open_until:
            return Reply(was_dropped=True)  # its failure was said when the breaker opened
        try:
            async with asyncio.timeout(LIMIT_S):
                articles = await self._service.look_up(
                    question.query,
                    interaction_id=question.interaction_id,
                    confidence=question.confidence,
                )
        except (KnowledgeFailed, TimeoutError) as error:
            return self._failed(str(error) or "no answer within the time limit", loop.time())
        except Exception as error:
            logger.exception("a knowledge service failed unforeseen")
            return self._failed(type(error).__name__, loop.time())
        self._failures = 0
        self._remember(question, articles, loop.time())
        return self._reply(question, articles, from_cache=False)

    def _reply(self, question: Question, articles: Sequence[Article], *, from_cache: bool) -> Reply:
        now = asyncio.get_running_loop().time()
        latency_ms = round((now - question.heard_at) * 1000)
        return Reply(articles, latency_ms, latency_ms > LATE_MS, from_cache)

    def _failed(self, reason: str, now: float) -> Reply:
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until = now + OPEN_S
            self._failures = FAILURES - 1  # one more failure after the pause opens it again
            reason = f"{reason}; not asked for {OPEN_S:.0f} s"
            logger.warning("knowledge service: %s", reason)
        return Reply(error=reason)

    def _known(self, question: Question, now: float) -> Sequence[Article] | None:
        kept = self._cache.get(_key(question))
        if kept is None or now - kept[0] > CACHE_S:
            return None
        self._cache.move_to_end(_key(question))
        return kept[1]

    def _remember(self, question: Question, articles: Sequence[Article], now: float) -> None:
        self._cache[_key(question)] = (now, articles)
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)


def _key(question: Question) -> str:
    return " ".join(question.query.casefold().split())
