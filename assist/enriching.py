"""One run of the enrichment (protocol §5): what waits, up to a bound, one call after the other.

On an event loop; what is durable goes over `call`, which runs a function on the database thread.
Nothing is awaited inside a transaction.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assist.services import enrichment, rounds
from assist.services.enrichment import Ask, Patience
from conversations.genesys.exceptions import (
    CallMissing,
    CredentialsRefused,
    GenesysError,
    Permanent,
    ScopeMissing,
    Throttled,
    TokenUnavailable,
)
from conversations.genesys.rest import GenesysRest
from conversations.outages import Outage
from conversations.processes import process_name

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=25)  # beats come every 30 s, and there may be several
AT_MOST = 50  # conversations in a run
BUDGET_S = 15.0  # of a run; a task may last 45 s
APART_S = 0.1  # between two calls
FAILURES_AT_MOST = 3  # in a row; then the platform is left alone until the next run
NOT_ALLOWED_FOR = timedelta(minutes=15)  # after a 403, or where there is no such call
_MASTERLESS = timedelta(seconds=30)  # without a token

_refusal = Outage(again_s=3600)
Call = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Run:
    """`rest` makes one call at a time; `now` is what the rows are written with."""

    rest: GenesysRest
    call: Call
    now: Callable[[], datetime] = timezone.now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    at_most: int = AT_MOST
    budget_s: float = BUDGET_S
    every: timedelta = EVERY
    owner: str = ""
    asked: int = 0
    _failures: int = 0
    _reason: str = ""

    async def run(self) -> int:
        """How many were asked for; 0 also where another run goes on."""
        self.owner = self.owner or f"{process_name()[:50]}-{secrets.token_hex(4)}"
        if not await self.call(self._begin):
            return 0
        until = self.monotonic() + self.budget_s
        try:
            while self.asked < self.at_most and await self._next(until):
                pass
        finally:
            await self.call(self._end)
        return self.asked

    def _begin(self) -> bool:
        now = self.now()
        if rounds.begin(enrichment.ROUND, owner=self.owner, every=self.every, now=now) is None:
            return False
        enrichment.give_up(now)
        enrichment.await_ends(now)
        enrichment.admit(now)
        return True

    def _end(self) -> None:
        rounds.end(
            enrichment.ROUND, owner=self.owner, now=self.now(), done=self.asked, reason=self._reason
        )

    async def _next(self, until: float) -> bool:
        """Whether to go on. What is claimed is asked for, so the time is looked at before."""
        if self.monotonic() > until:
            return False
        ask = await self.call(enrichment.next_to_ask, self.owner, self.now())
        if isinstance(ask, Patience):
            wait_s = (ask.until - self.now()).total_seconds()
            if self.monotonic() + wait_s > until:
                self._reason = "429: asked to wait"
                return False
            await self.sleep(max(0.0, wait_s))
            return True
        if ask is None:
            return False
        self.asked += 1
        goes_on = await self._ask(ask)
        await self.sleep(APART_S)
        return goes_on and self._failures < FAILURES_AT_MOST

    async def _ask(self, ask: Ask) -> bool:
        try:
            details = await self.rest.interaction_details(
                ask.external_id, since=ask.since, until=ask.until
            )
        except Throttled as error:
            until = self.now() + timedelta(seconds=error.retry_after_s)
            await self.call(self._throttled, ask, until)
            return True
        except (ScopeMissing, CallMissing) as error:
            _refusal.say(f"no conversation is enriched: {error}", level=logging.ERROR)
            await self._stop(ask, NOT_ALLOWED_FOR, str(error))
            return False
        except (CredentialsRefused, TokenUnavailable) as error:
            await self._stop(ask, _MASTERLESS, str(error))
            return False
        except GenesysError as error:
            self._failures += 1
            self._reason = str(error)
            await self.call(self._missing, ask, _words(error))
            return True
        self._failures, self._reason = 0, ""
        _refusal.over("the analytics answer again")
        if details is None:
            await self.call(self._missing, ask, "not known there yet")
        else:
            await self.call(self._found, ask, details)
        return True

    def _throttled(self, ask: Ask, until: datetime) -> None:
        enrichment.throttled(ask, owner=self.owner, until=until)

    def _missing(self, ask: Ask, reason: str) -> None:
        enrichment.missing(ask, reason=reason, now=self.now())

    def _found(self, ask: Ask, details: Any) -> None:
        enrichment.found(ask, details, now=self.now())

    async def _stop(self, ask: Ask, pause: timedelta, reason: str) -> None:
        self._reason = reason

        def stop() -> None:
            until = self.now() + pause
            enrichment.stopped(ask, owner=self.owner, until=until, reason=reason)

        await self.call(stop)


def _words(error: GenesysError) -> str:
    return f"status {error.status}" if isinstance(error, Permanent) else str(error)
