"""The parts of the embedded mode that are Celery's."""

from __future__ import annotations

import threading

from celery import Celery
from kombu import Queue

from config.parts import WorkerPart


def test_each_worker_takes_from_its_own_queues_whichever_was_made_last():
    app = Celery("parts", broker="memory://", set_as_current=False)
    app.conf.update(
        task_queues=[Queue("sync"), Queue("bulk")],
        task_ignore_result=True,
        broker_transport_options={"polling_interval": 0.01},
        worker_enable_remote_control=False,
    )
    done = {name: threading.Event() for name in ("sync", "bulk")}

    @app.task(name="note")
    def note(name: str) -> None:
        done[name].set()

    parts = [WorkerPart(app, "sync"), WorkerPart(app, "bulk")]
    for part in parts:
        part.start()
    try:
        for name in done:
            note.apply_async((name,), queue=name)

        assert {name: event.wait(10) for name, event in done.items()} == {
            "sync": True,
            "bulk": True,
        }
    finally:
        for part in reversed(parts):
            part.stop()
