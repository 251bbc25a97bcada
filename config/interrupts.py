"""Ctrl-C between two steps of a start and never inside one, so that what began can be stopped.

KeyboardInterrupt may strike anywhere: half-way through making a thread, or inside a callback that
loses it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, Self


class Interrupts:
    """A context for the main thread; outside of it Ctrl-C does what it did before."""

    def __init__(self) -> None:
        self._happened = False
        self._then: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Between two steps: raises KeyboardInterrupt where one came meanwhile."""
        if self._happened:
            raise KeyboardInterrupt

    def end_by(self, then: Callable[[], object]) -> None:
        """From now on Ctrl-C calls `then`, inside the signal's handler, in place of waiting."""
        self._then = then
        self.check()

    def _note(self, *signal_and_frame: Any) -> None:
        self._happened = True
        if self._then is not None:
            self._then()
