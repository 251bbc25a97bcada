"""Celery's side of translation: wake-ups and the schedule. A task carries no work."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.signals import (
    celeryd_after_setup,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)
from django.db import DatabaseError, InterfaceError

from conversations import outages
from conversations.genesys.exceptions import CredentialsRefused, GenesysError
from translation import runtime

logger = logging.getLogger(__name__)

_refusal = outages.Outage(again_s=600)


@shared_task(name="rt.drain")
def drain() -> None:
    """Wake this process's drain; what it does stands in the rows."""
    runtime.running().wake()


@shared_task(name="rt.renew_token")
def renew_token() -> None:
    """Renew the token 60 s before its end, so that no request waits for it (protocol OAuth)."""
    try:
        runtime.running().renew_token()
    except CredentialsRefused as error:
        _refusal.say(f"{error}; nothing is asked until then", level=logging.ERROR)
    except GenesysError as error:
        logger.warning("token not renewed: %s", error)
    except (DatabaseError, InterfaceError) as error:
        if outages.trouble_of(error) is None:  # else it was said, once
            raise
    else:
        _refusal.over("the token endpoint accepts the credentials")


# The drain runs from the worker's start and not from Celery's `worker_ready`, which waits for the
# broker: it sweeps by itself, and so delivers while Redis is away (reliability G1). With the
# prefork pool it lives in the children, with threads in the worker itself.
@worker_process_init.connect
def _start_in_child(**kwargs: Any) -> None:
    _start()


@celeryd_after_setup.connect
def _start_in_worker(instance: Any, **kwargs: Any) -> None:
    if not issubclass(instance.pool_cls, PreforkPool):
        _start()


@worker_process_shutdown.connect
def _stop_in_child(**kwargs: Any) -> None:
    runtime.stop()


@worker_shutdown.connect
def _stop_in_worker(**kwargs: Any) -> None:
    runtime.stop()


def _start() -> None:
    try:
        runtime.running()
    except Exception:
        logger.exception("the drain did not start; it is tried again at the next wake-up")
