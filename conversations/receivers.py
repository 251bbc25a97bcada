"""Turns the heart's signals into wake-ups. Best effort: the rows are the queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from conversations.live import doorbell
from conversations.services.exports import remove_files_with
from conversations.signals import (
    erasure_requested,
    export_wanted,
    journals_moved,
    texts_erased,
)

logger = logging.getLogger(__name__)


@receiver(journals_moved)
def ring_the_doorbell(moved: list[tuple[int, int]], **kwargs: Any) -> None:
    """Live pages show a decision at once; without the bell they find it within 2 s."""
    doorbell.ring(moved)


@receiver(export_wanted)
def wake_a_worker_for_exports(**kwargs: Any) -> None:
    """The schedule looks every 10 s."""
    _wake("run_exports", expires=30)


@receiver(erasure_requested)
def wake_whoever_erases(**kwargs: Any) -> None:
    """The schedule looks every minute."""
    _wake("run_erasures", expires=60)


@receiver(texts_erased)
def remove_exports_of_what_was_erased(
    conversation_ids: Collection[int], reason: str, **kwargs: Any
) -> int:
    """Returns how many files there were."""
    return remove_files_with(conversation_ids, reason=reason)


def _wake(task: str, *, expires: int) -> None:
    """From a thread of its own: a broker that never answers must not hold up a page (F9)."""
    threading.Thread(target=_send, args=(task, expires), name=f"wake-{task}", daemon=True).start()


def _send(task: str, expires: int) -> None:
    from conversations import tasks

    try:
        getattr(tasks, task).apply_async(expires=expires)
    except (OperationalError, OSError) as error:
        logger.warning("no worker is woken: %s (%s)", task, type(error).__name__)
