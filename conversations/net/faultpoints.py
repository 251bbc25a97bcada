"""Named places in the pipeline where a test may kill, stop or fail the process (reliability 2.2).

Nothing here reads the environment: in production no point can be armed, and passing one costs one
dictionary look-up. `tests/faults/armed.py` starts a process with `FAULT_POINTS` and arms it.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

ACTIONS = frozenset({"kill", "stop", "raise", "enospc"})


class FaultRaised(RuntimeError):
    """What a point armed with `raise` raises."""


@dataclass(slots=True)
class _Trap:
    name: str
    nth: int
    action: str
    log: Path | None
    passed: int = 0

    def pass_by(self) -> None:
        with _lock:
            self.passed += 1
            is_now = self.passed == self.nth
        if is_now:
            self._note()
            self._act()

    def _note(self) -> None:
        """Written before anything dies: a fault that is not known to fire proves nothing."""
        if self.log is None:
            return
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{self.name} {self.action} {os.getpid()}\n")

    def _act(self) -> None:
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.action == "enospc":
            raise OSError(errno.ENOSPC, "No space left on device")
        else:
            raise FaultRaised(self.name)


_lock = threading.Lock()
_armed: dict[str, _Trap] = {}


def point(name: str) -> None:
    """Pass the point `name`; does nothing unless a test armed it in this process."""
    if name in _armed:
        _armed[name].pass_by()


def arm(points: str, *, log: Path | None = None) -> None:
    """Arm what `points` says: `NAME:NTH:ACTION`, several separated by commas; NTH counts from 1.

    ACTION is kill (SIGKILL to this process), stop (SIGSTOP), raise (`FaultRaised`) or enospc.
    What fires is appended to `log`. Raises ValueError for anything else.
    """
    for part in filter(None, points.split(",")):
        name, nth, action = part.split(":")
        if action not in ACTIONS or int(nth) < 1:
            raise ValueError(f"{part}: NAME:NTH:ACTION, NTH from 1, ACTION {sorted(ACTIONS)}")
        _armed[name] = _Trap(name, int(nth), action, log)


def disarm() -> None:
    _armed.clear()
