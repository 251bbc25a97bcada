"""Turns the heart's signal into a wake-up of a drain. Best effort: the rows are the queue."""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.signals import work_arrived

logger = logging.getLogger(__name__)


@receiver(work_arrived)
def wake_a_drain(**kwargs: Any) -> None:
    from translation.tasks import drain

    try:
        drain.apply_async(expires=30)
    except (OperationalError, OSError) as error:
        # The sweep finds the rows within a second; Redis is only latency (reliability G1).
        logger.warning("no wake-up sent: %s", type(error).__name__)
