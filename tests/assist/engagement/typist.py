"""A process in which an agent types, as a web process has it: `python -m … CONVERSATION FILE`.

Reports come on its event loop; FILE always holds how many keystrokes were reported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import django

REPORT_S = 0.005
FLUSH_S = 0.3


async def type_on(conversation_id: int, file: int) -> None:
    from django.utils import timezone

    from conversations.signals import keystrokes_reported

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    total = 0
    while not stopped.is_set():
        keystrokes_reported.send(
            sender=None,
            conversation_id=conversation_id,
            agent_id="agent-1",
            count=2,
            at=timezone.now(),
        )
        total += 2
        os.pwrite(file, b"%12d" % total, 0)
        await asyncio.sleep(REPORT_S)


def main() -> None:
    django.setup()
    from assist.engagement import keeper

    keeper.CLOSE_S = 20.0  # however slow this machine's database is
    keeper._running[os.getpid()] = keeper.Keeper(flush_s=FLUSH_S)
    keeper.running().start()
    file = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
    asyncio.run(type_on(int(sys.argv[1]), file))


if __name__ == "__main__":
    main()
