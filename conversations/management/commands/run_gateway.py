"""The gateway process: holds the platform's sockets."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand

from conversations.conf import genesys_config
from conversations.gateway.supervisor import Supervisor
from conversations.live import doorbell
from conversations.net.loops import new_loop


class Command(BaseCommand):
    help = "Hold the platform's sockets: receive every message, store it, wake the workers."

    def handle(self, *args: Any, **options: Any) -> None:
        genesys_config()  # a missing setting is said now, in one line

        # Loop and database thread hand over to each other for every batch.
        sys.setswitchinterval(0.0005)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_run())


async def _run() -> None:
    supervisor = Supervisor()
    loop = asyncio.get_running_loop()
    doorbell.lend(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()
