"""Structured logs, a line an event; secrets masked by value, message text never passed in."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog

from conversations.net.masking import register_secret

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(*, level: str, as_json: bool, secrets: tuple[str, ...]) -> None:
    for secret in secrets:
        if secret:
            register_secret(secret)
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"masking": {"()": "conversations.net.masking.MaskingFilter"}},
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": _SHARED,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        renderer,
                    ],
                },
                "bare": {"format": "%(message)s"},
            },
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "line",
                    "filters": ["masking"],
                },
                "bare": {
                    "class": "logging.StreamHandler",
                    "formatter": "bare",
                    "filters": ["masking"],
                },
            },
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "celery.beat": {"level": "WARNING"},
                "celery.worker.consumer": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                "kombu.connection": {"level": "ERROR"},
                "psycopg.pool": {"level": "ERROR"},  # ours say it, once
                "django.channels": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                "websockets": {"level": "WARNING"},
                # Lines that are JSON already, whatever the others are (docs/engagement.md).
                "parley.engagement": {"handlers": ["bare"], "level": "INFO", "propagate": False},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
