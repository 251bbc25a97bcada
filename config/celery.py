"""The Celery application: it wakes drains and runs the schedule."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_after_setup, celeryd_init, setup_logging, worker_init

from config import startup
from conversations.conf import genesys_config
from translation.conf import require_translation

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("parley")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks(["conversations", "translation", "assist"])
app.set_default()  # else tasks vanish in pool threads (performance, embedded mode)


@setup_logging.connect
def _keep_our_logs(**kwargs: object) -> None:
    """Connected, so that Celery leaves the logging of config.logs as it is."""


@celeryd_init.connect
def _speak_in_lines(instance: Any, **kwargs: object) -> None:
    """In place of Celery's banner and of its paragraph to root there is a line each, below."""
    instance.quiet = True
    warnings.filterwarnings(
        "ignore", message="You're running the worker with superuser", category=SecurityWarning
    )


@worker_init.connect
def _refuse_wrong_settings(**kwargs: object) -> None:
    """In the worker itself, before it has a pool: an error here must not leave it half started."""
    with startup.one_line():
        startup.check()
        genesys_config()
        require_translation()


@celeryd_after_setup.connect
def _say_what_starts(sender: str, instance: Any, **kwargs: object) -> None:
    pool = instance.pool_cls.__module__.rpartition(".")[2]
    queues = ",".join(instance.app.amqp.queues.consume_from)
    logger.info("worker %s: %s %s, queues %s", sender, instance.concurrency, pool, queues)
    if os.geteuid() == 0:
        logger.warning("this worker runs as root: give it a user of its own (--uid)")
