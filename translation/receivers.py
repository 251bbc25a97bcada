"""Turns the heart's signal into a wake-up of a drain. Best effort: the rows are the queue."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.outages import Outage
from conversations.signals import work_arrived

# A worker that was woken looks often for a while (drain.LINGER_S): it needs no second call.
_APART_S = 1.0


class _Alarm:
    """At most one wake-up in _APART_S: the first at once, the last of a burst at its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0.0
        self._timer: threading.Timer | None = None

    def ring(self) -> None:
        with self._lock:
            wait_s = self._last + _APART_S - time.monotonic()
            if wait_s > 0:
                if self._timer is None:
                    self._timer = threading.Timer(wait_s, self._ring_late)
                    self._timer.daemon = True
                    self._timer.start()
                return
            self._last = time.monotonic()
        _send()

    def _ring_late(self) -> None:
        with self._lock:
            self._timer = None
            self._last = time.monotonic()
        _send()


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
_alarm = _Alarm()


@receiver(work_arrived)
def wake_a_drain(**kwargs: Any) -> None:
    _alarm.ring()
