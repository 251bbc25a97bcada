"""The Celery application: it wakes drains and runs the schedule."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("parley")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks(["conversations", "translation"])
app.set_default()  # else tasks vanish in pool threads (performance, embedded mode)


@setup_logging.connect
def _keep_our_logs(**kwargs: object) -> None:
    """Connected, so that Celery leaves the logging of config.logs as it is."""
