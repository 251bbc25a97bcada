"""Parts of embedded mode: each a thread that can be started and stopped."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import Any, Protocol

from celery import Celery
from celery.beat import EmbeddedService

from conversations.gateway.supervisor import Supervisor
from translation import runtime

logger = logging.getLogger(__name__)


class Part(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class GatewayPart:
    """The gateway's supervisor on an event loop of its own."""

    def __init__(self) -> None:
        self._running: Future[Supervisor] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        """Returns once it runs: from then on it can be stopped."""
        self._thread.start()
        self._running.result(timeout=10)

    def stop(self) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._running.result().stop)
            self._thread.join(timeout=20)

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        supervisor = Supervisor()
        self._loop = asyncio.get_running_loop()
        self._running.set_result(supervisor)
        await supervisor.run()


class WorkerPart:
    """Celery's own worker in a thread: its controller, not its command (performance, embedded).

    The controller says none of the signals that start the drain in a worker of its own. Its pool
    runs one task after the other: long ones (`bulk`) have a part of their own.

    TRAP: which queues are taken from is kept by the app, and the last controller that was made says
    it. So each is made when it starts, and has begun to take before the next one is made.
    """

    def __init__(self, app: Celery, *queues: str) -> None:
        self._app = app
        self._queues = queues
        self._ready = threading.Event()
        self._drains = "rt" in queues
        self._controller: Any = None
        name = "worker " + " ".join(queues)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Returns once it takes tasks: a controller that is stopped earlier starts all the same."""
        if self._drains:
            runtime.running()
        self._controller = self._app.WorkController(
            pool_cls="solo",
            queues=list(self._queues),
            hostname=f"{'-'.join(self._queues)}@embedded",
            loglevel="WARNING",
            without_mingle=True,
            ready_callback=lambda consumer: self._ready.set(),
        )
        self._thread.start()
        self._ready.wait(timeout=10)

    def stop(self) -> None:
        self._controller.stop()
        self._thread.join(timeout=5)
        if self._drains:
            runtime.stop()

    def _run(self) -> None:
        try:
            self._controller.start()
        except Exception:
            logger.exception("the worker ended")


class SchedulePart:
    """Celery's beat in a thread; its schedule stays in memory."""

    def __init__(self, app: Celery) -> None:
        self._beat: Any = EmbeddedService(app, thread=True, scheduler_cls="celery.beat.Scheduler")

    def start(self) -> None:
        self._beat.start()

    def stop(self) -> None:
        self._beat.stop()
