"""The file of a job while it is written: what counts of it is what was synced and said so.

Each run writes a file of its own, so that a worker that was thought dead and wakes cannot write
into another's. Nobody sees it under its final name before it is whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from conversations.exports.files import make_name_durable

BLOCK = 4 * 1024 * 1024  # each has a digest of its own in the manifest
_COPIED_AT_ONCE = 1024 * 1024


class Digests:
    """SHA-256 of all that was written, and of each block of it."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self.blocks: list[str] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        self._whole.update(data)
        view = memoryview(data)
        while view:
            room = BLOCK - self.size % BLOCK
            self._block.update(view[:room])
            self.size += len(view[:room])
            view = view[room:]
            if self.size % BLOCK == 0:
                self.blocks.append(self._block.hexdigest())
                self._block = hashlib.sha256()

    def sha256(self) -> str:
        return self._whole.hexdigest()

    def all_blocks(self) -> list[str]:
        return [*self.blocks, *([self._block.hexdigest()] if self.size % BLOCK else [])]


class Sink(Protocol):
    """Where an export's bytes go."""

    digests: Digests

    def write(self, data: bytes) -> None: ...
    def sync(self) -> None: ...


class PartFile:
    """A context; at its end the file is closed, whatever it is called then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digests = Digests()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def carry_over(self, before: Path, size: int) -> bool:
        """Begin with the first `size` bytes of an earlier run's part; False where it has fewer."""
        try:
            with before.open("rb") as source:
                while self.digests.size < size:
                    left = size - self.digests.size
                    data = source.read(min(left, _COPIED_AT_ONCE))
                    if not data:
                        return False
                    self.write(data)
        except FileNotFoundError:
            return False
        self.sync()
        return True

    def write(self, data: bytes) -> None:
        self.digests.add(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def begin_again(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.digests = Digests()

    def name(self, path: Path) -> None:
        """All of it is durable: now it may be seen."""
        self.sync()
        self.path.replace(path)
        self.path = path
        make_name_durable(path.parent)

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Pipe:
    """Standard output: nothing to go on from, nothing to name."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.digests = Digests()
        self._write = write

    def write(self, data: bytes) -> None:
        self.digests.add(data)
        self._write(data)

    def sync(self) -> None:
        """It is the reader's."""
