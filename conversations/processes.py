"""This process's name in leases, and whether the process with a given name is certainly dead.

A lease outlives its owner until it runs out. On the same machine nobody has to wait for that: the
kernel knows that a process is gone. Death is proved, never guessed: of a process of another
machine or container nothing is known, and its leases run out by themselves.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")
_NAME = re.compile(r"-(?P<space>[0-9a-f]{10})-(?P<pid>\d+)\.(?P<born>\d+)-[0-9a-f]{8}$")


def process_name() -> str:
    """Host, process space, process id with its birth, and a random part; at most 64 characters."""
    return _name_of(os.getpid())  # a child that was forked is another process


@lru_cache(maxsize=1)
def _name_of(pid: int) -> str:
    host = socket.gethostname()[:18]
    return f"{host}-{_space()}-{pid}.{_born(pid) or 0}-{secrets.token_hex(4)}"


def is_dead(name: str) -> bool:
    """Whether the process with this `process_name` has certainly ended. False: nobody knows."""
    found = _NAME.search(name)
    if found is None or found["space"] != _space() or found["born"] == "0":
        return False
    pid = int(found["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it lives, as somebody else's
    return _born(pid) not in (None, int(found["born"])) or _is_unreaped(pid)


def dead_among(names: Iterable[str]) -> list[str]:
    """Those of `names` that have certainly ended."""
    return [name for name in set(names) if is_dead(name)]


@lru_cache(maxsize=1)
def _space() -> str:
    """Where a process id means one process: this boot of this machine, this container."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        container = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return "0" * 10  # no such kernel: `_born` finds nothing either, so nobody is called dead
    return hashlib.sha256(f"{socket.gethostname()} {boot} {container}".encode()).hexdigest()[:10]


def _born(pid: int) -> int | None:
    """Clock ticks from the boot to its start: ids are given again, these are not."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _is_unreaped(pid: int) -> bool:
    """It has ended, all its threads too, and its parent has not asked yet."""
    fields = _stat(pid)
    return bool(fields) and fields[0] in ("Z", "X") and int(fields[17]) <= 1


def _stat(pid: int) -> list[str]:
    """The fields from the state on (proc(5), `stat`): a name may hold blanks and brackets."""
    try:
        line = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return line.rpartition(")")[2].split()
