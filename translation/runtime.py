"""One event loop thread per worker process: the drain lives there between tasks (design.md)."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any

from django.conf import settings
from django.utils import timezone

from conversations.conf import genesys_config
from conversations.crossing import Crossing
from conversations.genesys.rest import GenesysRest
from conversations.listening import Listener
from conversations.live import doorbell
from conversations.net.http import HttpClient
from conversations.net.loops import new_loop
from conversations.processes import process_name
from conversations.services.unit import Change
from conversations.tokens import DatabaseTokens
from translation.batching import Batcher
from translation.conf import configured_provider
from translation.drain import Drain, commit_changes
from translation.lane_tools import LaneTools

logger = logging.getLogger(__name__)

# Two workers and a gateway together stay within about 100 sockets to the platform.
_PLATFORM_CONNECTIONS = 45
_DELIVERIES = 25  # of them: a turn includes the commit before it, other calls do not
_PROVIDER_CONNECTIONS = 10


class Runtime:
    """A thread with an event loop that runs one drain; started once, stopped once."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._drain: Drain | None = None
        self._ready: Future[Drain] = Future()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._tokens: DatabaseTokens | None = None
        self._stop = asyncio.Event()

    def start(self) -> None:
        self._thread.start()
        self._ready.result(timeout=30)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._ready.result().wake)

    def renew_token(self) -> None:
        """Renew the deployment's token ahead of its end; waits for it."""
        self._ready.result()
        assert self._tokens is not None  # noqa: S101  set before ready
        asyncio.run_coroutine_threadsafe(self._tokens.renew_ahead(), self._loop).result(timeout=40)

    def stop(self, *, within_s: float = 20.0) -> None:
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=within_s + 5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        # Loop and database thread hand over to each other a few times for every message.
        sys.setswitchinterval(0.0005)
        try:
            self._loop.run_until_complete(self._live())
        except Exception as error:
            logger.exception("the drain ended")
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            self._loop.close()

    async def _live(self) -> None:
        doorbell.lend(self._loop)
        crossing: Crossing[Change] = Crossing(commit_changes, name="worker")
        config = genesys_config()
        platform = HttpClient(max_connections=_PLATFORM_CONNECTIONS)
        translation = HttpClient(max_connections=_PROVIDER_CONNECTIONS)
        self._tokens = DatabaseTokens(config, platform, crossing.call)
        provider = configured_provider(translation)
        batcher = Batcher(provider, target=settings.TARGET_LANGUAGE)
        tools = LaneTools(
            owner=process_name(),
            crossing=crossing,
            rest=_rest(platform, config, self._tokens),
            translator=batcher,
            target_language=settings.TARGET_LANGUAGE,
            head_wait_s=settings.HEAD_WAIT_S,
            reconcile_window_s=settings.RECONCILE_WINDOW_S,
            policy=settings.DELIVERY_POLICY,
            deliveries_per_minute=settings.DELIVERIES_PER_MINUTE,
            monotonic=time.monotonic,
        )
        drain = Drain(tools=tools, crossing=crossing, batcher=batcher, provider=provider.name)
        loop = asyncio.create_task(drain.run(), name="drain")
        listener = Listener(tools.owner, on_work=drain.call, on_hearing=drain.hear)
        listening = asyncio.create_task(listener.run(), name="listening")
        self._ready.set_result(drain)
        await self._stop.wait()
        listening.cancel()
        await drain.stop()
        await loop
        await crossing.close()
        await batcher.aclose()
        await platform.aclose()
        await translation.aclose()


def _rest(http: HttpClient, config: Any, tokens: DatabaseTokens) -> GenesysRest:
    return GenesysRest(
        http,
        config,
        tokens,
        now=timezone.now,
        sleep=asyncio.sleep,
        random=random.random,
        turns=_DELIVERIES,
        others=_PLATFORM_CONNECTIONS - _DELIVERIES,
    )


_lock = threading.Lock()
_running: list[Runtime] = []


def running() -> Runtime:
    """This process's runtime, started at the first call."""
    with _lock:
        if not _running or not _running[0].is_alive:
            runtime = Runtime()
            runtime.start()
            _running[:] = [runtime]
        return _running[0]


def stop() -> None:
    with _lock:
        for runtime in _running:
            runtime.stop()
        _running.clear()
