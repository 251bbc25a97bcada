"""Turns the heart's signals into wake-ups. Best effort: the rows are the queue."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.live import doorbell
from conversations.signals import export_wanted, journals_moved

logger = logging.getLogger(__name__)


@receiver(journals_moved)
def ring_the_doorbell(moved: list[tuple[int, int]], **kwargs: Any) -> None:
    """Live pages show a decision at once; without the bell they find it within 2 s."""
    doorbell.ring(moved)


@receiver(export_wanted)
def wake_a_worker_for_exports(**kwargs: Any) -> None:
    """From a thread of its own: a broker that never answers must not hold up a page (F9)."""
    threading.Thread(target=_send, name="wake-exports", daemon=True).start()


def _send() -> None:
    from conversations.tasks import run_exports

    try:
        run_exports.apply_async(expires=30)
    except (OperationalError, OSError) as error:
        # The schedule looks every 10 s.
        logger.warning("no worker is woken for an export (%s)", type(error).__name__)
