"""All of Parley in one command: SQLite, no Redis, web, gateway, worker and simulator."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import Any

from daphne.server import Server
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config import demo, embedded
from config.celery import app
from config.interrupts import Interrupts
from config.parts import GatewayPart, Part, SchedulePart, WorkerPart
from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import run_in_thread

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run web server, gateway, worker and simulator in one process, for a look around."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the pages' port (8000)")
        parser.add_argument("--simulator-port", type=int, default=9000)
        parser.add_argument("--scenario", default="demo", help="what the simulator plays (demo)")
        parser.add_argument("--speed", type=float, default=1.0, help="of the scenario (1.0)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.REDIS_URL:
            raise CommandError("run_embedded needs no Redis: unset REDIS_URL.")
        port = options["port"]
        if not embedded.is_free(port):
            raise CommandError(f"Port {port} is in use: stop what runs there, or use --port.")
        call_command("migrate", verbosity=0, interactive=False)
        password = os.environ.get("DEMO_PASSWORD", "")
        if password:
            demo.ensure_users(password, agent_id=embedded.AGENT_ID)
        self._run(options, password)

    def _run(self, options: dict[str, Any], password: str) -> None:
        # What was started is stopped, last one first; a second Ctrl-C does not wait for that.
        with contextlib.ExitStack() as running, Interrupts() as interrupts:
            running.callback(
                self.stdout.write, "Stopped. Your data is kept; `make run` goes on with it."
            )
            simulator = run_in_thread(
                SimulatorConfig(
                    port=int(settings.GENESYS_API_URL.rsplit(":", 1)[1]),
                    scenario=options["scenario"],
                    speed=options["speed"],
                    provider_ms=120,
                    webchat_agent_id=embedded.AGENT_ID,
                )
            )
            running.callback(simulator.stop)
            interrupts.check()
            workers = [WorkerPart(app, "rt", "sync"), WorkerPart(app, "bulk")]
            parts: list[Part] = [GatewayPart(), *workers, SchedulePart(app)]
            for part in parts:
                part.start()
                running.callback(part.stop)
                interrupts.check()
            running.callback(self.stdout.write, "Stopping …")
            self._greet(options["port"], simulator.base_url, password)
            _serve(options["port"], interrupts)

    def _greet(self, port: int, simulator: str, password: str) -> None:
        lines = [
            "",
            f"  Parley        http://127.0.0.1:{port}/live/",
            f"  Calls         http://127.0.0.1:{port}/assist/",
            f"  Admin         http://127.0.0.1:{port}/{settings.ADMIN_PATH}/",
            f"  Simulator     {simulator}  (plays the platform and the translation service)",
        ]
        if password:
            lines.append(f"  Log in as     {', '.join(demo.USERS)}; password {password}")
        lines.append("  Ctrl-C stops everything.")
        self.stdout.write("\n".join(lines) + "\n")
        self.stdout.flush()


def _serve(port: int, interrupts: Interrupts) -> None:
    """Daphne in the main thread, until Ctrl-C or SIGTERM."""
    from twisted.internet import reactor  # Daphne has chosen which

    from config.asgi import application

    server = Server(
        application=application,
        endpoints=[f"tcp:port={port}:interface=127.0.0.1"],
        signal_handlers=threading.current_thread() is threading.main_thread(),
        ping_interval=20,
        ping_timeout=20,
        websocket_connect_timeout=5,
        websocket_max_message_size=65_536,  # holds for what we send as well: larger goes in pieces
        websocket_max_frame_size=65_536,
        verbosity=0,
    )
    interrupts.end_by(lambda: reactor.callFromThread(server.stop))
    server.run()
