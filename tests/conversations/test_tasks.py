"""Celery's tasks load nothing of their own: they call the service of their name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery.schedules import crontab
from django.contrib.sessions.models import Session
from django.utils import timezone

from config.celery import app
from conversations.models import Conversation, Erasure, LoginAttempts, Message, MessageText
from conversations.services.guest_erasure import request_erasure
from conversations.services.login_limits import admit
from conversations.sessions import SessionStore
from conversations.tasks import apply_retention, close_idle, run_erasures
from tests.conversations import histories
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


@pytest.mark.django_db
def test_the_nights_work_removes_what_is_due_and_what_nobody_needs():
    histories.conversation(messages=1)
    long_ago = timezone.now() - timedelta(days=200)
    Message.objects.update(received_at=long_ago)
    for number, name in enumerate(("open", "expired")):
        store = SessionStore()
        store["n"] = number
        store.set_expiry(timedelta(days=1) if name == "open" else timedelta(days=-1))
        store.save()
    admit("cora", "192.0.2.0/24", now=timezone.now() - timedelta(days=2))

    apply_retention()

    assert not MessageText.objects.exists()
    assert Session.objects.count() == 1
    assert not LoginAttempts.objects.exists()


@pytest.mark.django_db
def test_an_erasure_is_taken_over_from_whoever_stands_still_and_from_nobody_else():
    histories.conversation("conv-1", messages=1)
    erasure = request_erasure("guest-1", reason="request 1", actor="console")
    now = timezone.now()

    for active_at, state in ((now, "running"), (now - timedelta(seconds=91), "finished")):
        Erasure.objects.update(active_at=active_at)
        run_erasures()
        erasure.refresh_from_db()
        assert erasure.state == state
