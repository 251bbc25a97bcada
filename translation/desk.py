"""Translates in a web process, for somebody who waits: a preview before it is sent.

The same batches, tries, limits and breaker as a worker's, on an event loop of its own in a thread.
A provider that the workers have found closed is not asked, and a person's word to ask it again
counts here too.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from django.conf import settings
from django.utils import timezone

from conversations.languages import canonical
from conversations.net.http import HttpClient
from conversations.net.loops import new_loop
from translation.batching import Batcher
from translation.conf import configured_provider
from translation.exceptions import CredentialsRefused, ProviderUnavailable, QuotaExceeded
from translation.models import ProviderState
from translation.services import Made

CONNECTIONS = 4
MAX_WAITING = 50  # previews of one process; one more is refused at once
TRIES = 2  # the person can try again, or send without it
WITHIN_S = 10.0  # a person waits; one that takes longer is asked for again
# Only a person ends these: nobody's text leaves for an answer that is known.
_CLOSED = (ProviderState.State.QUOTA, ProviderState.State.CREDENTIALS)


class Desk:
    """One for a process; its thread starts with the first preview."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._ready: Future[Batcher] = Future()
        self._name = ""
        self._opened_at = timezone.now()
        self._thread = threading.Thread(target=self._run, name="previews", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def translate(self, text: str, *, target: str) -> Made:
        """From the agents' language; waits. Raises a TranslationError."""
        batcher = self._ready.result(timeout=WITHIN_S)
        self._hear_the_operator(batcher)
        source = settings.TARGET_LANGUAGE
        asked = asyncio.run_coroutine_threadsafe(
            batcher.translate(text, source=source, target=target), self._loop
        )
        try:
            result = asked.result(timeout=WITHIN_S)
        except TimeoutError:
            asked.cancel()
            raise ProviderUnavailable(f"no answer in {WITHIN_S:.0f} s") from None
        return Made(
            text=result.text,
            source_language=canonical(result.language),
            target_language=canonical(target),
            provider=result.provider,
            latency_ms=result.latency_ms,
            from_memory=result.from_memory,
        )

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def _hear_the_operator(self, batcher: Batcher) -> None:
        state = ProviderState.objects.filter(name=self._name).first()
        if state is None:
            return
        reopened_at = state.reopened_at
        if reopened_at is not None and reopened_at > self._opened_at:
            self._opened_at = reopened_at
            self._loop.call_soon_threadsafe(batcher.reopen)
        elif state.state in _CLOSED and (reopened_at is None or reopened_at < state.updated_at):
            is_quota = state.state == ProviderState.State.QUOTA
            raise QuotaExceeded if is_quota else CredentialsRefused

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            http, batcher = self._loop.run_until_complete(self._open())
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            self._ready.set_exception(error)
            self._loop.close()
            return
        self._ready.set_result(batcher)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(batcher.aclose())
            self._loop.run_until_complete(http.aclose())
            self._loop.close()

    async def _open(self) -> tuple[HttpClient, Batcher]:
        http = HttpClient(max_connections=CONNECTIONS)
        provider = configured_provider(http)
        self._name = provider.name
        batcher = Batcher(
            provider, target=settings.TARGET_LANGUAGE, max_waiting=MAX_WAITING, tries=TRIES
        )
        return http, batcher


_lock = threading.Lock()
_open: list[Desk] = []


def desk() -> Desk:
    """This process's, opened at the first call."""
    with _lock:
        if not _open or not _open[0].is_alive:
            _open[:] = [Desk()]
        return _open[0]


def close() -> None:
    with _lock:
        for one in _open:
            one.stop()
        _open.clear()
