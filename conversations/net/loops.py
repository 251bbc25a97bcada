"""The event loop of processes that do nothing but network work: uvloop where it exists."""

from __future__ import annotations

import asyncio
import importlib.util
import sys


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for a gateway or a worker; uvloop has no wheels for Windows."""
    if sys.platform == "win32" or importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
