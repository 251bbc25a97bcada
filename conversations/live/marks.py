"""Marks in the database which conversations are open on a page of this process, for the gateways.

One write for all of them when they change, and every few seconds while they do not; a process
that ends writes nothing more, and its mark ends by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from conversations.live.database import read
from conversations.models import Watch
from conversations.processes import process_name

logger = logging.getLogger(__name__)

LOOK_S = 1.0
AGAIN_S = 5.0
LASTS_S = 15.0  # a page that is loaded anew does not end its stream
MOST = 2_000
_FORGOTTEN_AFTER_S = 3_600.0


class Marks:
    """`watched` says what is open now: keys of conversations."""

    def __init__(self, watched: Callable[[], Collection[int]]) -> None:
        self._watched = watched
        self._written: list[int] = []
        self._written_at = float("-inf")

    async def mark(self) -> None:
        """To be called every LOOK_S."""
        if settings.TRANSCRIPT_STREAMS == "all":
            return  # nobody asks
        now, keys = time.monotonic(), sorted(self._watched())[:MOST]
        if keys == self._written and now - self._written_at < AGAIN_S:
            return
        await read(write, process_name(), keys)
        self._written, self._written_at = keys, now


def write(process: str, keys: list[int]) -> None:
    now = timezone.now()
    mark = {"conversations": keys, "until": now + timedelta(seconds=LASTS_S)}
    if not Watch.objects.filter(process=process).update(**mark):
        Watch.objects.update_or_create(process=process, defaults=mark)
        Watch.objects.filter(until__lt=now - timedelta(seconds=_FORGOTTEN_AFTER_S)).delete()


def watched(now: datetime) -> set[int]:
    """Keys of the conversations that somebody has open anywhere."""
    rows = Watch.objects.filter(until__gt=now).values_list("conversations", flat=True)
    return {key for keys in rows for key in keys}
