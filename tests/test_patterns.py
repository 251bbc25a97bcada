"""No regular expression holds a process up, whatever a guest writes.

One that is tried again at each place of a long word takes the square of its length: minutes for a
message of 100 KB, in which nothing else of that process moves.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

PACKAGES = ("assist", "config", "conversations", "translation")
LENGTH = 20_000
# Straight through takes a few milliseconds, the square of it ten seconds and more.
AT_MOST_S = 3.0
UNITS = (
    "a", "1", "ß", "ه", " ", ".", "@", "a.", "a@", "a@a.", "-", "1-", "1 ", "a ", "_", "://",
    "http://", "www.", "www.!", "/", "\n", "\\", "'", "a'", "+", "(", "[", "{", "<", "&a", "?a",
    ";", ":", "1:", "1,", "=", "token", "&token", "Bearer ", "access_token ",
    "\u200b", "\u202e", "😀",
)  # fmt: skip
# What these are given has been cut before.
SHORT = {
    "conversations.genesys.ordering._SUFFIX",  # MAX_ID
    "conversations.simulator.webchat.EMAIL",  # 254
}


def test_no_pattern_takes_the_square_of_what_it_reads():
    patterns = dict(patterns_of_ours())
    assert len(patterns) > 40

    slow = [
        f"{name}: {LENGTH} characters of {unit!r}"
        for name, pattern in sorted(patterns.items())
        if name not in SHORT and (unit := slow_one(pattern)) is not None
    ]

    assert slow == []
    assert patterns.keys() >= SHORT


def slow_one(pattern: re.Pattern[Any]) -> str | None:
    for unit in UNITS:
        text: Any = (unit * LENGTH)[:LENGTH]
        if isinstance(pattern.pattern, bytes):
            text = text.encode()
        began = time.thread_time()
        sum(1 for _ in pattern.finditer(text))
        pattern.fullmatch(text)
        if time.thread_time() - began > AT_MOST_S:
            return unit
    return None


def patterns_of_ours() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Those that stand in a module, alone or in a collection."""
    for module in modules():
        for name, value in vars(module).items():
            whole = f"{module.__name__}.{name}"
            if isinstance(value, re.Pattern):
                yield whole, value
            elif isinstance(value, dict | list | tuple | set | frozenset):
                several = value.values() if isinstance(value, dict) else value
                for number, one in enumerate(several):
                    if isinstance(one, re.Pattern):
                        yield f"{whole}[{number}]", one


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        found = importlib.import_module(package)
        for one in pkgutil.walk_packages(found.__path__, f"{package}."):
            if ".migrations" not in one.name:
                yield importlib.import_module(one.name)
