"""Celery's tasks load nothing of their own: they call the service of their name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery.schedules import crontab

from config.celery import app
from conversations.models import Conversation
from conversations.tasks import close_idle
from tests.conversations.services.wire import AGENT, event, record


@pytest.mark.django_db
def test_the_schedules_task_closes_silent_conversations():
    record(event("Bye", sender=AGENT))
    long_ago = datetime.now(UTC) - timedelta(days=3)
    Conversation.objects.update(last_event_at=long_ago)

    close_idle()

    assert Conversation.objects.get().state == "closed"


def test_every_scheduled_task_exists_and_has_a_queue_that_workers_take():
    app.autodiscover_tasks(["conversations", "translation", "assist"], force=True)

    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["task"].split(".")[0] in {"rt", "sync", "bulk"}
        is_daily = isinstance(entry["schedule"], crontab)
        assert entry["options"]["expires"] <= (86_400 if is_daily else entry["schedule"])
