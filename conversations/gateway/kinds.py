"""What a gateway can hold: a kind of stream says which are wanted, and makes one for a key.

A higher app brings its own kind; the settings name it by dotted path (STREAM_KINDS), because this
app must not import it. CONTRIBUTING.md has the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from conversations.gateway.leases import Progress


class Stream(Protocol):
    """One stream in this process, while its lease is held."""

    async def run(self) -> None:
        """Until `stop`, or until it has ended by itself; what it received is durable by then."""

    def stop(self) -> None:
        """Let `run` return soon. Never waits."""

    def progress(self) -> Progress:
        """What has happened since the last call; the state it is in."""
        ...


class StreamKind(Protocol):
    """Made once in each gateway, without arguments, outside the event loop's reach.

    `name` is what `StreamState.kind` holds. `limit` bounds the streams of one gateway, `in_all`
    those of the whole deployment. A gateway that dies holds its streams `lease_s` longer. A stream
    that ended by itself is not started again for `rest_s`, however much it is wanted.
    """

    @property
    def name(self) -> str: ...
    @property
    def limit(self) -> int: ...
    @property
    def in_all(self) -> int | None: ...
    @property
    def lease_s(self) -> float: ...
    @property
    def rest_s(self) -> float: ...

    def wanted(self) -> Sequence[str]:
        """Keys of the streams that somebody wants now, most urgent first. On a database thread."""
        ...

    def stream(self, key: str) -> Stream:
        """A new one, on the event loop."""
        ...

    async def close(self) -> None:
        """The gateway ends; all streams have."""


def stream_kinds() -> list[StreamKind]:
    return [import_string(path)() for path in settings.STREAM_KINDS]
