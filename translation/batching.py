"""Texts of many conversations in few requests to one provider, on one event loop.

Carries out the rules of grouping.py (what shares a request) and breaker.py (whether one may
leave). Knows no conversation's state and no database.
"""

from __future__ import annotations

import asyncio
import logging
import random as randomness
import time
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from conversations import languages
from conversations.net.retry import retry_delay_s
from translation.breaker import Breaker, State
from translation.exceptions import (
    ProviderThrottled,
    ProviderUnavailable,
    TextRefused,
    TooLarge,
    TranslationError,
)
from translation.grouping import (
    BatchResult,
    Terms,
    Wanted,
    again,
    is_unclear,
    last_word,
    next_batch,
    terms,
    weight,
)
from translation.providers.base import Provider, Translated, checked

__all__ = ["BatchResult", "Batcher", "ProviderHealth"]

logger = logging.getLogger(__name__)

TRIES = 3
FREE_FLIGHTS = 5  # so many requests leave at once; more are worth waiting for company
ROUNDS = 5  # of tries that one text fails while others are answered; then it is its fault
MOST_FAILING = 1000
ENVELOPE_BYTES = 1024  # room for the request's other fields


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """`turned_away`: callers refused because too many were waiting."""

    state: State
    reason: str
    since: datetime
    requests: int
    texts: int
    failures: int
    waiting: int
    in_flight: int
    turned_away: int


class Batcher:
    """One for a provider and key, on one event loop. Owns its requests: a caller may go away."""

    def __init__(
        self,
        provider: Provider,
        *,
        target: str,
        max_wait_s: float = 0.005,
        free_flights: int = FREE_FLIGHTS,
        max_in_flight: int = 8,
        max_waiting: int = 5000,
        tries: int = TRIES,
        breaker: Breaker | None = None,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._provider = provider
        self._target = target
        self._max_wait_s, self._max_in_flight, self._tries = max_wait_s, max_in_flight, tries
        self._free_flights = free_flights
        self._max_waiting = max_waiting
        self._max_bytes = provider.max_bytes - ENVELOPE_BYTES
        self._breaker = breaker or Breaker()
        self._random, self._monotonic, self._sleep, self._now = random, monotonic, sleep, now
        self._wanted: dict[tuple[Terms, str], Wanted] = {}  # waiting or in flight
        self._waiting: OrderedDict[tuple[Terms, str], Wanted] = OrderedDict()
        # Of texts that failed alone: how many rounds while others were answered, and how many
        # answers there were at the last one.
        self._failing: OrderedDict[tuple[Terms, str], tuple[int, int]] = OrderedDict()
        self._answers = 0
        self._flights: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0
        self._pump_due = False
        self._closed = False
        self._callers = self._requests = self._texts = self._failures = self._turned_away = 0
        self._began_at = monotonic()

    async def translate(
        self,
        text: str,
        *,
        source: str | None = None,
        target: str | None = None,
        conversation: str | None = None,
        context: str | None = None,
    ) -> BatchResult:
        """Raises a `TranslationError`. `context` counts only together with `conversation`."""
        wish = terms(
            target=target or self._target,
            source=source,
            conversation=conversation,
            context=context,
        )
        self._admit(text, wish)
        wanted = self._wanted.get((wish, text)) or self._enqueue(text, wish)
        caller: asyncio.Future[BatchResult] = asyncio.get_running_loop().create_future()
        wanted.callers.append(caller)
        self._callers += 1
        try:
            return await caller
        finally:
            self._callers -= 1
            self._leave(wanted, caller)

    def reopen(self) -> None:
        """The operator has put the quota or the key right."""
        logger.info("translation provider %s: reopened", self._provider.name)
        self._breaker.reopen(now=self._monotonic())
        self._pump_soon()

    @property
    def health(self) -> ProviderHealth:
        now = self._monotonic()
        state, reason, since = self._breaker.state(now=now)
        return ProviderHealth(
            state=state,
            reason=reason,
            since=self._now() - timedelta(seconds=now - max(since, self._began_at)),
            requests=self._requests,
            texts=self._texts,
            failures=self._failures,
            waiting=self._callers,
            in_flight=len(self._flights),
            turned_away=self._turned_away,
        )

    async def aclose(self) -> None:
        """Cancels its requests; whoever still waits is told."""
        self._closed = True
        tasks = [*self._flights, *([self._alarm] if self._alarm else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wanted in list(self._wanted.values()):
            self._tell(wanted, ProviderUnavailable("this process is stopping"))

    def _admit(self, text: str, wish: Terms) -> None:
        if self._closed:
            raise ProviderUnavailable("this process is stopping")
        if not text.strip():
            raise TextRefused("it is blank")
        if weight(text) + weight(wish.context or "") > self._max_bytes:
            raise TooLarge
        if refusal := self._breaker.refusal(now=self._monotonic()):
            raise refusal
        if self._callers >= self._max_waiting:
            self._turned_away += 1
            raise ProviderUnavailable("too many texts are waiting for it")

    def _enqueue(self, text: str, wish: Terms) -> Wanted:
        wanted = Wanted(
            text=text,
            terms=wish,
            weight=weight(text),
            since=self._monotonic(),
            answers_before=self._answers,
        )
        self._wanted[wanted.key] = self._waiting[wanted.key] = wanted
        self._pump_soon()
        return wanted

    def _leave(self, wanted: Wanted, caller: asyncio.Future[BatchResult]) -> None:
        """A caller has its answer, or gave up: a text that nobody waits for is not asked."""
        wanted.callers.remove(caller)
        if not wanted.callers and self._waiting.get(wanted.key) is wanted:
            del self._waiting[wanted.key], self._wanted[wanted.key]

    def _pump_soon(self) -> None:
        """In the loop's next turn, so that texts that come in one turn share a request."""
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Lets leave what may leave, and sets the alarm for what may leave later."""
        self._pump_due = False
        now = self._monotonic()
        if refusal := self._breaker.refusal(now=now):
            for wanted in list(self._waiting.values()):
                self._tell(wanted, refusal)
        while self._waiting and not self._closed and len(self._flights) < self._max_in_flight:
            if wait_s := self._breaker.wait_s(now=now):
                return self._wake_in(wait_s, now=now)
            batch, full = self._next_batch(now=now)
            if not batch:
                first = min(wanted.not_before for wanted in self._waiting.values())
                return self._wake_in(first - now, now=now)
            gathered_at = batch[0].since + self._max_wait_s
            if not full and len(self._flights) >= self._free_flights and gathered_at > now:
                return self._wake_in(gathered_at - now, now=now)
            if not self._breaker.take(now=now):
                return None  # the probe is out: its landing pumps again
            self._send(batch)
        return None

    def _next_batch(self, *, now: float) -> tuple[list[Wanted], bool]:
        first = next((w for w in self._waiting.values() if w.not_before <= now), None)
        context = first.terms.context if first else None
        return next_batch(
            self._waiting.values(),
            now=now,
            max_texts=self._provider.max_texts,
            max_bytes=self._max_bytes - weight(context or ""),
        )

    def _wake_in(self, delay_s: float, *, now: float) -> None:
        """One alarm at a time, the earliest."""
        at = now + delay_s
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.create_task(self._ring(delay_s), name="translation alarm")

    async def _ring(self, delay_s: float) -> None:
        await self._sleep(delay_s)
        self._alarm = None
        self._pump()

    def _send(self, batch: list[Wanted]) -> None:
        for wanted in batch:
            del self._waiting[wanted.key]
            wanted.attempts += 1
        self._requests += 1
        self._texts += len(batch)
        task = asyncio.create_task(self._ask(batch), name="translation request")
        self._flights.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flights.discard(task)
        if not self._closed:
            self._pump()

    async def _ask(self, batch: list[Wanted]) -> None:
        started = self._monotonic()
        wish, texts = batch[0].terms, [wanted.text for wanted in batch]
        try:
            answers = checked(
                texts,
                await self._provider.translate(
                    texts, target=wish.target, source=wish.source, context=wish.context
                ),
            )
        except TranslationError as error:
            self._failed(batch, error)
        except Exception as error:  # noqa: BLE001 - whoever waits has to be told
            # Not logger.exception: the error's own words may hold a message's text.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("provider raised %s\n%s", type(error).__name__, frames)
            self._failed(batch, ProviderUnavailable("its adapter failed"))
        else:
            latency_ms = round((self._monotonic() - started) * 1000)
            self._answered(batch, answers, latency_ms=latency_ms)

    def _answered(self, batch: list[Wanted], answers: list[Translated], *, latency_ms: int) -> None:
        before = self.health.state
        self._breaker.succeeded(now=self._monotonic())
        self._report(before)
        self._answers += 1
        for wanted, answer in zip(batch, answers, strict=True):
            self._failing.pop(wanted.key, None)
            language = languages.canonical(answer.language)
            result = BatchResult(answer.text, language, self._provider.name, latency_ms)
            self._tell(wanted, result)

    def _failed(self, batch: list[Wanted], error: TranslationError) -> None:
        self._failures += 1
        now, before = self._monotonic(), self.health.state
        wait_s = retry_delay_s(max(w.attempts for w in batch), random=self._random)
        asked_s = error.retry_after_s if isinstance(error, ProviderThrottled) else None
        if is_unclear(error, texts=len(batch)):
            self._breaker.unclear()
        else:
            self._breaker.failed(
                error,
                now=now,
                wait_s=wait_s if asked_s is None else asked_s,
                text=batch[0].key if getattr(error, "reached", False) else None,
            )
        self._report(before)
        for wanted in reversed(batch):  # back to the front, in their order
            self._repeat_or_tell(wanted, error, texts=len(batch), at=now, wait_s=wait_s)

    def _repeat_or_tell(
        self, wanted: Wanted, error: TranslationError, *, texts: int, at: float, wait_s: float
    ) -> None:
        repeat = again(
            error, texts=texts, attempts=wanted.attempts, tries=self._tries, wait_s=wait_s
        )
        if repeat is None and isinstance(error, ProviderUnavailable) and error.reached:
            error = self._judged(wanted, error)
        if repeat is None or not wanted.callers:
            self._tell(wanted, last_word(error, tries=self._tries))
            return
        if isinstance(error, TooLarge):
            wanted.attempts -= 1  # not a failure: it learns the size
        wanted.limit = min(wanted.limit, repeat.limit)
        wanted.not_before = at + repeat.wait_s
        self._waiting[wanted.key] = wanted
        self._waiting.move_to_end(wanted.key, last=False)

    def _judged(self, wanted: Wanted, error: ProviderUnavailable) -> ProviderUnavailable:
        """The failure of a whole round, with what the others say about whose fault it is."""
        rounds, answers_before = self._failing.pop(wanted.key, (0, wanted.answers_before))
        rounds += self._answers > answers_before
        self._failing[wanted.key] = rounds, self._answers
        if len(self._failing) > MOST_FAILING:
            self._failing.popitem(last=False)
        return ProviderUnavailable(error.reason, reached=True, answers_others=rounds >= ROUNDS)

    def _tell(self, wanted: Wanted, result: BatchResult | TranslationError) -> None:
        self._waiting.pop(wanted.key, None)
        self._wanted.pop(wanted.key, None)
        for caller in wanted.callers:
            if caller.done():
                continue
            if isinstance(result, BatchResult):
                caller.set_result(result)
            else:
                caller.set_exception(result.fresh())

    def _report(self, before: State) -> None:
        """One line a change of state."""
        health = self.health
        if health.state == before:
            return
        levels = {"ok": logging.INFO, "throttled": logging.WARNING, "open": logging.WARNING}
        logger.log(
            levels.get(health.state, logging.ERROR),
            "translation provider %s: %s (%s)",
            self._provider.name,
            health.state,
            health.reason,
        )
