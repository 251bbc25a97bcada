"""Celery's settings, which hold as a set (reliability §5.1). Read at Celery's first use."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from django.conf import settings

from config import startup

_VISIBILITY_TIMEOUT_S = 120  # > task_time_limit, or long tasks run twice (F6)

_COMMON: dict[str, Any] = {
    "task_ignore_result": True,  # state is in the database
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_protocol": 2,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_time_limit": 60,
    "task_soft_time_limit": 45,
    "task_publish_retry_policy": {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    },
    "task_default_queue": "rt",
    "task_routes": {"rt.*": "rt", "sync.*": "sync", "bulk.*": "bulk"},
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_max_tasks_per_child": None,
    "worker_soft_shutdown_timeout": 20,
    "worker_enable_soft_shutdown_on_idle": True,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "enable_utc": True,
    "beat_max_loop_interval": 5,
    "beat_schedule_filename": "",
    "beat_scheduler": "celery.beat.Scheduler",  # in memory: every entry is due at start, harmless
    "beat_schedule": {
        "renew-token": {
            "task": "rt.renew_token",
            "schedule": 20.0,
            "options": {"expires": 20},
        },
        "sweep": {"task": "rt.drain", "schedule": 5.0, "options": {"expires": 5}},
        "close-idle": {
            "task": "sync.close_idle",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "enrich-conversations": {
            "task": "sync.enrich_conversations",
            "schedule": 30.0,  # protocol §5
            "options": {"expires": 30},
        },
        "measure-answers": {
            "task": "sync.measure_answers",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "anchor-journal": {
            "task": "sync.anchor_journal",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "verify-journal": {
            "task": "bulk.verify_journal",
            "schedule": crontab(hour="2", minute="40"),  # UTC
            "options": {"expires": 3600},
        },
        "run-exports": {
            "task": "bulk.run_exports",
            "schedule": 10.0,
            "options": {"expires": 10},
        },
        "tidy-exports": {
            "task": "bulk.tidy_exports",
            "schedule": crontab(hour="3", minute="20"),  # UTC
            "options": {"expires": 3600},
        },
        "apply-retention": {
            "task": "bulk.apply_retention",
            "schedule": crontab(hour="3", minute="20"),  # UTC
            "options": {"expires": 3600},
        },
        "run-erasures": {
            "task": "bulk.run_erasures",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
    },
}

_REDIS: dict[str, Any] = {
    "visibility_timeout": _VISIBILITY_TIMEOUT_S,
    "broker_transport_options": {
        "visibility_timeout": _VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
        "max_connections": 20,
        "global_keyprefix": "parley:q:",
    },
    "result_backend_transport_options": {"visibility_timeout": _VISIBILITY_TIMEOUT_S},
}

# `memory://` looks for work every second unless told otherwise (measured: 969 ms a task).
_MEMORY: dict[str, Any] = {"broker_transport_options": {"polling_interval": 0.01}}


def settings_for(redis_url: str) -> dict[str, Any]:
    """Celery's settings for a Redis broker, or for one process without any."""
    if redis_url:
        return {**_COMMON, **_REDIS, "broker_url": redis_url}
    return {**_COMMON, **_MEMORY, "broker_url": "memory://"}


with startup.one_line():  # the first to read the settings where `celery` is the command
    globals().update(settings_for(settings.REDIS_URL))
