"""Celery's side of engagement: what the schedule starts, one run of each at a time."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from assist.enriching import Run
from assist.services import measuring, rounds
from conversations import outages
from conversations.conf import genesys_config
from conversations.crossing import Crossing
from conversations.genesys.rest import GenesysRest
from conversations.net.http import HttpClient
from conversations.processes import process_name
from conversations.tokens import DatabaseTokens

_MEASURED_EVERY = timedelta(seconds=25)
_MEASURE_BUDGET_S = 10.0


@shared_task(name="sync.enrich_conversations")
def enrich_conversations() -> None:
    """Ask the platform's analytics about the conversations that wait for it (protocol §5)."""
    try:
        asyncio.run(_enrich())
    except (DatabaseError, InterfaceError) as error:
        if outages.trouble_of(error) is None:  # else it was said, once
            raise


@shared_task(name="sync.measure_answers")
def measure_answers() -> None:
    """Response times and intervals of the conversations in which something was said."""
    try:
        _measure(owner=f"{process_name()[:50]}-{secrets.token_hex(4)}")
    except (DatabaseError, InterfaceError) as error:
        if outages.tell(error) is None:
            raise


async def _enrich() -> None:
    """A loop of its own: a run comes twice a minute, and keeps nothing for the next."""
    crossing: Crossing[Any] = Crossing(list, name="enrichment")
    http = HttpClient(max_connections=1)
    config = genesys_config()
    rest = GenesysRest(http, config, DatabaseTokens(config, http, crossing.call))
    try:
        await Run(rest, crossing.call).run()
    finally:
        await http.aclose()
        await crossing.close()


def _measure(*, owner: str) -> None:
    now, until = timezone.now(), time.monotonic() + _MEASURE_BUDGET_S
    round_ = rounds.begin(measuring.ROUND, owner=owner, every=_MEASURED_EVERY, now=now)
    if round_ is None:
        return
    measured, is_last = 0, False
    try:
        while not is_last and time.monotonic() < until:
            count, is_last = measuring.measure_page(round_, owner=owner, now=timezone.now())
            measured += count
    finally:
        rounds.end(measuring.ROUND, owner=owner, now=timezone.now(), done=measured)
