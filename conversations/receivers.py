"""Turns the heart's signals into wake-ups. Best effort: the rows are the queue."""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.live import doorbell
from conversations.signals import erasure_requested, journals_moved
from conversations.tasks import run_erasures

logger = logging.getLogger(__name__)


@receiver(journals_moved)
def ring_the_doorbell(moved: list[tuple[int, int]], **kwargs: Any) -> None:
    """Live pages show a decision at once; without the bell they find it within 2 s."""
    doorbell.ring(moved)


@receiver(erasure_requested)
def wake_whoever_erases(**kwargs: Any) -> None:
    """Without the wake-up the schedule finds the request within a minute."""
    try:
        run_erasures.apply_async(expires=60)
    except (OperationalError, OSError):
        logger.info("no wake-up for an erasure: the broker does not answer")
