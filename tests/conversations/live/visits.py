"""Random visits to live pages: histories go on, messages of the sockets get lost, pages come back.

What the tailer and the consumers do with journal and cursors, without their sockets and clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Protocol, TypeVar

from conversations.live import snapshots
from conversations.live.frames import batched, encode
from tests.conversations.live.histories import History, a_conversation

STEPS = (
    *(
        "guest",
        "agent",
        "translate",
        "confirm",
        "doubt",
        "echo",
        "attribute",
        "read",
        "read_echo",
        "close",
    ),
    *("refuse", "pass_through", "fail", "expire", "review", "decide", "drop"),
    *("close_letter", "replay", "erase", "stray", "assign"),
)
LIKELY = ("guest", "guest", "agent", "translate", "translate", "confirm")
ROUNDS = 5


class Reader(Protocol):
    """A page. `asks_after`: the seq of its last question for a gap, None when it has not asked."""

    def receive(self, text: str) -> None: ...
    def asks_after(self) -> int | None: ...
    def comes_back(self) -> int | None:
        """Its socket has dropped; the seq with which it opens the next one."""


Shown = TypeVar("Shown", bound=Reader)


class Visit:
    """One history, and one page that watches it over bad connections."""

    def __init__(self, opened: Callable[[str], Reader], random: Random) -> None:
        self.history = History(a_conversation())
        self.path = f"/live/{self.history.conversation.external_id}/"
        self.page = opened(self.path)
        self.asked = 0
        self.pk = self.history.conversation.pk
        self._random = random
        self._live(6)
        self.cursor = self.start(None)

    def start(self, after: int | None) -> int:
        begun = snapshots.start(self.pk, after)
        for frame in begun.frames:
            self.page.receive(frame.text)
        return begun.seq

    def go_on(self) -> None:
        self._live(4)

    def hand(self, changes: snapshots.Changes | None) -> None:
        """What the tailer has read; one message may be lost, or come twice."""
        if changes is None:
            return
        self.cursor = changes.seq
        if self._random.random() < 0.1:
            return  # away; it comes back below, or sees by a heartbeat that it lacks something
        for event in batched(changes.events):
            for _ in range(self._random.choice((0, 1, 1, 1, 1, 1, 2))):
                self.page.receive(event.frame.text)
        after = self._gap()
        if after is not None and self._random.random() < 0.7:
            self.start(after)
        elif self._random.random() < 0.1:
            self.start(self.page.comes_back())

    def end(self) -> None:
        """A heartbeat, and the answer to the gap that it may have shown."""
        beat = {"type": "heartbeat", "seq": self.cursor}
        self.page.receive(encode(beat).text)
        after = self._gap()
        if after is not None:
            self.start(after)

    def _gap(self) -> int | None:
        after = self.page.asks_after()
        self.asked += after is not None
        return after

    def fresh(self, page: Shown) -> Shown:
        """The same conversation on a page that is opened now."""
        for frame in snapshots.start(self.pk).frames:
            page.receive(frame.text)
        return page

    def _live(self, most: int) -> None:
        for _ in range(self._random.randint(0, most)):
            names = LIKELY if self._random.random() < 0.5 else STEPS
            self.history.step(self._random.choice(names), self._random.randint(0, 5))


def played(visits: list[Visit]) -> Iterator[None]:
    """All rounds of all visits; one read of the journal serves them together."""
    random = visits[0]._random
    for number in range(ROUNDS + 1):
        for visit in visits:
            visit.go_on()
        if number < ROUNDS and random.random() < 0.3:
            continue  # bells of this round are heard with the next
        found = snapshots.events_past({visit.pk: visit.cursor for visit in visits})
        for visit in visits:
            visit.hand(found.get(visit.pk))
        yield
    for visit in visits:
        visit.end()
