"""Turns the heart's signal into a wake-up of a drain. Best effort: the rows are the queue."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.outages import Outage
from conversations.signals import work_arrived

# A worker that was woken looks often for a while (drain.LINGER_S): it needs no second call.
_APART_S = 1.0


class _Alarm:
    """Sends at most one wake-up in _APART_S, the first at once, from a thread of its own: a broker
    that accepts and never answers must not hold up whoever rings (reliability F9)."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def ring(self) -> None:
        self._wanted.set()
        with self._lock:
            if self._thread is None or self._pid != os.getpid():  # a fork has no threads
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self._send()
            time.sleep(_APART_S)


def _send() -> None:
    from translation.tasks import drain

    try:
        drain.apply_async(expires=30)
    except (OperationalError, OSError) as error:
        # The sweep finds the rows within a second; Redis is only latency (reliability G1).
        _redis.say(
            f"no wake-ups are sent, because Redis does not answer "
            f"({type(error.__cause__ or error).__name__}). Messages are delivered all the same, "
            "up to a second later. Start Redis or correct REDIS_URL."
        )
    else:
        _redis.over("Redis answers again, wake-ups are sent")


_redis = Outage(again_s=None)
_alarm = _Alarm(_send)


@receiver(work_arrived)
def wake_a_drain(**kwargs: Any) -> None:
    _alarm.ring()
