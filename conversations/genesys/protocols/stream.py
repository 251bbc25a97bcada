"""What the driver needs of any protocol: the seam between the rules and the socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from conversations.genesys.events import Event
from conversations.genesys.protocols.verdicts import Close, Verdict


class StreamProtocol(Protocol):
    KEEP_ALIVE_S: float

    def first_frames(self) -> Sequence[str]:
        """What is sent at once after every open."""

    def frame_received(self, data: str | bytes) -> Event: ...

    def keep_alive(self) -> str: ...

    def verdict(self, close: Close) -> Verdict: ...
