"""Runs a command of ours with the points of `FAULT_POINTS` armed; `FAULT_LOG` gets what fires.

`python -m tests.faults.armed manage.py run_gateway`, `… -m celery -A config worker`. Production
code never reads these variables: a point can be armed only by starting a process through here.
K7 (POST written, not answered) lies inside the HTTP library and is put there from here.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientRequest

from conversations.net import faultpoints


def main(command: list[str]) -> None:
    log = os.environ.get("FAULT_LOG")
    faultpoints.arm(os.environ.get("FAULT_POINTS", ""), log=Path(log) if log else None)
    _put_k7_into_aiohttp()
    sys.path.insert(0, str(Path.cwd()))
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def _put_k7_into_aiohttp() -> None:
    write_bytes: Any = ClientRequest.write_bytes

    async def and_pass(self: ClientRequest, *given: Any, **named: Any) -> None:
        await write_bytes(self, *given, **named)
        if self.method == "POST" and self.url.path.endswith("/messages"):
            faultpoints.point("K7")

    ClientRequest.write_bytes = and_pass  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
