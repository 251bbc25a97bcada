"""Celery's settings hold as a set: each of them was measured to lose or double something alone."""

from __future__ import annotations

from typing import Any

import pytest
from celery.schedules import crontab

from config.celery_settings import settings_for

REDIS = settings_for("redis://127.0.0.1:6379/0")


def test_no_task_outlives_the_time_after_which_it_is_handed_out_again():
    """H2: a longer one would run twice, side by side."""
    visible_s = REDIS["visibility_timeout"]

    assert REDIS["task_soft_time_limit"] < REDIS["task_time_limit"] < visible_s
    assert REDIS["broker_transport_options"]["visibility_timeout"] == visible_s
    assert REDIS["result_backend_transport_options"]["visibility_timeout"] == visible_s


def test_nothing_is_scheduled_so_late_that_it_is_handed_out_twice():
    """H2: what is to happen later stands in a column, and not in the broker."""
    for entry in REDIS["beat_schedule"].values():
        assert "countdown" not in entry["options"]
        assert "eta" not in entry["options"]
        is_daily = isinstance(entry["schedule"], crontab)
        assert entry["options"]["expires"] <= (86_400 if is_daily else entry["schedule"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),  # H1: a killed child's task comes back
        ("worker_prefetch_multiplier", 1),
        ("task_ignore_result", True),
        ("accept_content", ["json"]),
        ("worker_enable_remote_control", False),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
    ],
)
def test_a_task_is_a_wake_up_that_may_come_again(name: str, value: Any):
    assert REDIS[name] == value


def test_a_silent_broker_holds_a_publisher_for_seconds_and_not_for_ever():
    """G3."""
    options = REDIS["broker_transport_options"]

    assert 0 < options["socket_timeout"] <= 5
    assert 0 < options["socket_connect_timeout"] <= 2
    assert REDIS["task_publish_retry_policy"]["max_retries"] == 1
