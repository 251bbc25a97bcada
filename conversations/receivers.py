"""Turns the heart's signals into wake-ups. Best effort: the rows are the queue."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from conversations.live import doorbell
from conversations.signals import journals_moved


@receiver(journals_moved)
def ring_the_doorbell(moved: list[tuple[int, int]], **kwargs: Any) -> None:
    """Live pages show a decision at once; without the bell they find it within 2 s."""
    doorbell.ring(moved)
