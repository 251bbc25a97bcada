"""What the driver needs of any protocol: the seam between the rules and the socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from conversations.genesys.events import Event
from conversations.genesys.protocols.verdicts import Close, Verdict


class StreamProtocol(Protocol):
    KEEP_ALIVE_S: float

    def first_frames(self) -> Sequence[str]:
        """What is sent at once after every open."""

    def frame_received(self, data: str | bytes) -> Event: ...

    def keep_alive(self) -> str: ...

    def verdict(self, close: Close) -> Verdict: ...


@runtime_checkable
class SubscribingProtocol(StreamProtocol, Protocol):
    """One that is live only once the platform has accepted its first frame.

    `first_frames` begins each connection afresh. `ended` is the close to judge by when the platform
    says in a frame that it will not go on; the driver looks at both after every frame.
    """

    ACCEPTED_WITHIN_S: float

    @property
    def is_accepted(self) -> bool: ...

    @property
    def ended(self) -> Close | None: ...
