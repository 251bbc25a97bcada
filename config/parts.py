"""Parts of embedded mode: each a thread that can be started and stopped."""

from __future__ import annotations

import asyncio
import logging
import threading
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
        self._loop = asyncio.new_event_loop()
        self._supervisor: Supervisor | None = None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._supervisor is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._supervisor.stop)
            self._thread.join(timeout=20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        self._supervisor = Supervisor()
        await self._supervisor.run()


class WorkerPart:
    """Celery's own worker in a thread: its controller, not its command (performance, embedded).

    The controller says none of the signals that start the drain in a worker of its own.
    """

    def __init__(self, app: Celery) -> None:
        self._controller: Any = app.WorkController(
            pool_cls="solo", queues=["rt", "sync", "bulk"], loglevel="WARNING", without_mingle=True
        )
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        runtime.running()
        self._thread.start()

    def stop(self) -> None:
        self._controller.stop()
        self._thread.join(timeout=5)

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
