"""A file that is there whole or not at all, even when the process is killed (reliability K12)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class BeingWritten(Exception):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is being written by another export.")


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Write to `*.part`, then make it durable and give it its name; readable by its owner only."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - a descriptor
        _own(stream, part)
        try:
            stream.truncate(0)  # what a killed run left
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    make_name_durable(path.parent)


def _own(stream: TextIO, part: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BeingWritten(part) from None


def make_name_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
