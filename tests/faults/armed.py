"""Runs a command of ours with fault points that can be armed, at its start and while it runs.

`FAULT_POINTS=K7:3:kill python -m tests.faults.armed manage.py run_gateway`, or
`… -m celery -A config worker`. `FAULT_ORDERS` names a file with points instead: it is looked at
all the time, so that a test arms a running process. `FAULT_LOG` gets what fires. Production code
reads none of these: a point can be armed only by starting a process through here.
K7 (POST written, not answered) lies inside the HTTP library and is put there from here.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import threading
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientRequest

from conversations.net import faultpoints

LOOK_S = 0.1


def main(command: list[str]) -> None:
    noted = os.environ.get("FAULT_LOG")
    log = Path(noted) if noted else None
    faultpoints.arm(os.environ.get("FAULT_POINTS", ""), log=log)
    if orders := os.environ.get("FAULT_ORDERS"):
        _obey(Path(orders), log)
    _put_k7_into_aiohttp()
    sys.path.insert(0, str(Path.cwd()))
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def _obey(orders: Path, log: Path | None) -> None:
    """What the file says is armed in place of what it said before."""

    def watch() -> None:
        known = ""
        while True:
            with contextlib.suppress(FileNotFoundError):
                text = orders.read_text(encoding="utf-8").strip()
                if text != known:
                    faultpoints.disarm()
                    faultpoints.arm(text, log=log)
                    known = text
            time.sleep(LOOK_S)

    threading.Thread(target=watch, name="fault-orders", daemon=True).start()


def _put_k7_into_aiohttp() -> None:
    write_bytes: Any = ClientRequest.write_bytes

    async def and_pass(self: ClientRequest, *given: Any, **named: Any) -> None:
        await write_bytes(self, *given, **named)
        if self.method == "POST" and self.url.path.endswith("/messages"):
            faultpoints.point("K7")

    ClientRequest.write_bytes = and_pass  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
