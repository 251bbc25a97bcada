"""A stream's life over many connections: it alone decides when to connect again.

TRAP: the delays start afresh only after a connection that delivered a frame or lived 10 s. A
server that accepts and closes at once would otherwise be asked a thousand times a second.
"""

from __future__ import annotations

import asyncio
import logging
import random as randomness
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from conversations.genesys.connection import Life, Link, Timing, hold_connection, nobody
from conversations.genesys.events import Event
from conversations.genesys.exceptions import CredentialsRefused, GenesysError, ScopeMissing
from conversations.genesys.oauth import Token, TokenSource
from conversations.genesys.protocols.stream import StreamProtocol
from conversations.genesys.protocols.verdicts import (
    End,
    GaveUp,
    GiveUp,
    Reconnect,
    RenewToken,
    Verdict,
)
from conversations.net.backoff import delays

logger = logging.getLogger(__name__)

SOUND_AFTER_S = 10.0
REFUSED_RETRY_S = 300.0

State = Literal["connecting", "live", "waiting", "stopped", "refused"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a session goes on. `tries`: so many connections in a row that were not sound.

    TRAP: they are counted over sockets, and a failed connect counts too; a fresh counter for each
    socket would never get that far.
    """

    tries: int | None = None  # for ever
    waits_refused: bool = True  # tries again slowly after a refusal; else that is the end


@dataclass(frozen=True, slots=True)
class StateChange:
    """`attempts`: how many connections in a row have not been sound. `at` is monotonic."""

    state: State
    attempts: int
    reason: str
    at: float


async def _nothing() -> None:
    return None


class Session:
    def __init__(
        self,
        *,
        name: str,
        protocol: StreamProtocol,
        url: Callable[[Token], str],
        headers: Callable[[Token], Mapping[str, str]],
        tokens: TokenSource,
        on_event: Callable[[Event], Awaitable[None]],
        on_state: Callable[[StateChange], None],
        on_open: Callable[[], Awaitable[None]] = _nothing,
        on_link: Callable[[Link | None], None] = nobody,
        is_proven: Callable[[], bool] | None = None,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timing: Timing = Timing(),  # noqa: B008 (frozen)
        sound_after_s: float = SOUND_AFTER_S,
        refused_retry_s: float = REFUSED_RETRY_S,
        patience: Patience = Patience(),
        first_delay_s: float = 1.0,
        longest_delay_s: float = 30.0,
        capped_jitter: bool = False,
    ) -> None:
        """`on_link`: for who has something to say. `is_proven`: decides alone whether a connection
        was sound, where frames and age do not show it (protocol §2). `capped_jitter`: the delays'
        cap holds with their jitter (protocol §3)."""
        self._name = name
        self._protocol = protocol
        self._url = url
        self._headers = headers
        self._tokens = tokens
        self._on_event = on_event
        self._on_state = on_state
        self._on_open = on_open
        self._on_link = on_link
        self._is_proven = is_proven
        self._random = random
        self._monotonic = monotonic
        self._sleep = sleep
        self._timing = timing
        self._sound_after_s = sound_after_s
        self._refused_retry_s = refused_retry_s
        self._patience = patience
        self._first_delay_s = first_delay_s
        self._longest_delay_s = longest_delay_s
        self._capped_jitter = capped_jitter
        self._stopping = asyncio.Event()
        self._retrying = asyncio.Event()
        self._attempts = 0
        self._refusals = 0  # in a row, for want of a good token
        self._used: Token | None = None
        self._must_renew = False
        self._delays = self._fresh_delays()

    async def run(self) -> End | GaveUp | GiveUp | None:
        """Until `stop()` (None), a verdict of End, the end of its patience, or cancellation."""
        work = asyncio.create_task(self._keep_connected(), name=f"session:{self._name}")
        stop = asyncio.create_task(self._stopping.wait(), name=f"session-stop:{self._name}")
        end: End | GaveUp | GiveUp | None = None
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                end = work.result()
        finally:
            for task in (work, stop):
                task.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
            self._announce_end(end)
        return end

    def stop(self) -> None:
        """Close the socket and let `run` return."""
        self._stopping.set()

    def retry_now(self) -> None:
        """End the wait of a refused stream: a person says that its cause is mended."""
        self._retrying.set()

    def _announce_end(self, end: End | GaveUp | GiveUp | None) -> None:
        state: State = "refused" if isinstance(end, GiveUp) else "stopped"
        self._announce(state, end.reason if end else "stopped")

    async def _keep_connected(self) -> End | GaveUp | GiveUp:
        while True:
            verdict = await self._one_connection()
            if isinstance(verdict, End):
                return verdict
            if isinstance(verdict, RenewToken):
                verdict = self._answer_to_refused_token(verdict)
            if isinstance(verdict, GiveUp):
                if not self._patience.waits_refused:
                    return verdict
                await self._wait_refused(verdict.reason)
            elif self._patience.tries and self._attempts >= self._patience.tries:
                return GaveUp(f"given up after {self._attempts} tries: {verdict.reason}")
            else:
                await self._wait(verdict)

    async def _one_connection(self) -> Verdict:
        self._announce("connecting", "")
        life = Life()
        try:
            token = self._used = await self._token()
            close = await hold_connection(
                self._url(token),
                name=self._name,
                headers=self._headers(token),
                protocol=self._protocol,
                on_open=lambda: self._opened(life),
                on_event=self._on_event,
                on_link=self._on_link,
                life=life,
                timing=self._timing,
            )
            return self._protocol.verdict(close)
        except GenesysError as error:  # only of the token source
            return _token_verdict(error)
        except Exception as error:
            logger.exception("stream %s: unexpected failure, will reconnect", self._name)
            return Reconnect(f"unexpected {type(error).__name__}")
        finally:
            self._judge(life)

    async def _opened(self, life: Life) -> None:
        life.opened_at = self._monotonic()
        self._announce("live", "")
        await self._on_open()

    def _judge(self, life: Life) -> None:
        """A sound connection starts everything afresh; any other counts, also a failed one."""
        lived_s = 0.0 if life.opened_at is None else self._monotonic() - life.opened_at
        is_sound = bool(life.frames) or lived_s >= self._sound_after_s
        # A frame that says why the token is refused is none that a good token brought.
        is_let_in = bool(life.understood) or lived_s >= self._sound_after_s
        if self._is_proven is not None:
            is_sound = is_let_in = life.opened_at is not None and self._is_proven()
        if is_let_in:
            self._refusals = 0
        if is_sound:
            self._attempts = 0
            self._delays = self._fresh_delays()
        else:
            self._attempts += 1

    async def _token(self) -> Token:
        if self._must_renew and self._used is not None:
            # A right that was granted meanwhile shows only in a token made afterwards.
            token = await self._tokens.renewed(self._used)
            self._must_renew = False
            return token
        return await self._tokens.current()

    def _answer_to_refused_token(self, verdict: RenewToken) -> GiveUp | Reconnect:
        """Once: another token. Twice in a row: it is not the token (reliability A3)."""
        self._refusals += 1
        self._must_renew = True
        if self._refusals >= 2:
            return GiveUp(f"{verdict.reason}, with a renewed token as well")
        return Reconnect(f"{verdict.reason}: renewing the token")

    async def _wait(self, verdict: Reconnect) -> None:
        delay_s = max(next(self._delays), verdict.at_least_s)
        self._announce("waiting", verdict.reason)
        logger.warning(
            "stream %s: %s, connecting again in %.1f s", self._name, verdict.reason, delay_s
        )
        await self._sleep(delay_s)

    async def _wait_refused(self, reason: str) -> None:
        self._must_renew = True
        self._retrying.clear()
        self._announce("refused", reason)
        logger.error("stream %s refused: %s", self._name, reason)
        waits = {
            asyncio.ensure_future(self._sleep(self._refused_retry_s)),
            asyncio.create_task(self._retrying.wait(), name=f"session-retry:{self._name}"),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _fresh_delays(self) -> Iterator[float]:
        return delays(
            base_s=self._first_delay_s,
            cap_s=self._longest_delay_s,
            random=self._random,
            capped_jitter=self._capped_jitter,
        )

    def _announce(self, state: State, reason: str) -> None:
        self._on_state(StateChange(state, self._attempts, reason, self._monotonic()))


def _token_verdict(error: GenesysError) -> Verdict:
    if isinstance(error, CredentialsRefused | ScopeMissing):
        return GiveUp(str(error))
    wait_s = getattr(error, "retry_after_s", None)
    return Reconnect(str(error), at_least_s=wait_s or 0.0)
