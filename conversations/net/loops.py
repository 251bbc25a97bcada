"""The event loop of processes that do nothing but network work: uvloop where it exists."""

from __future__ import annotations

import asyncio

try:
    import uvloop
except ImportError:  # it has no wheels for Windows
    uvloop = None


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for a gateway or a worker; a third of asyncio's own CPU for each message."""
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()
