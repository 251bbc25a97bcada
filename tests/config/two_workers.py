"""Two workers of one process, each with a queue of its own: prints whose task was done.

A process of its own: a worker's thread looks tasks up in the process's default application.
"""

from __future__ import annotations

import sys
import threading

import django
from celery import Celery
from kombu import Queue

QUEUES = ("sync", "bulk")


def main() -> None:
    django.setup()
    from config.parts import WorkerPart  # with Django's models, so not before

    app = Celery("parts", broker="memory://")
    app.set_default()
    app.conf.update(
        task_queues=[Queue(name) for name in QUEUES],
        task_ignore_result=True,
        broker_transport_options={"polling_interval": 0.01},
        worker_enable_remote_control=False,
    )
    done = {name: threading.Event() for name in QUEUES}

    @app.task(name="note")
    def note(name: str) -> None:
        done[name].set()

    parts = [WorkerPart(app, name) for name in QUEUES]
    for part in parts:
        part.start()
    try:
        for name in QUEUES:
            note.apply_async((name,), queue=name)
        finished = [name for name in QUEUES if done[name].wait(10)]
        sys.stdout.write(f"done: {' '.join(finished)}\n")
    finally:
        for part in reversed(parts):
            part.stop()


if __name__ == "__main__":
    main()
