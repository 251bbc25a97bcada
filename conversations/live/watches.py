"""Who watches what in this process: sockets by conversation, and walls by what they show.

Used on the event loop only; between two awaits nothing else touches these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from conversations.live import wall
from conversations.live.database import Busy, read
from conversations.live.frames import Event, Frame, batched, encode
from conversations.live.outbox import Outbox
from conversations.live.rights import Claim
from conversations.live.snapshots import Changes, Start
from conversations.live.starts import Read, Starts

if TYPE_CHECKING:
    from conversations.models.conversation import ConversationQuerySet

MAX_PENDING = 256  # events that may come while a page's snapshot is read
MAX_READS = 3


@dataclass(eq=False, slots=True)
class Member:
    """One socket."""

    claim: Claim
    outbox: Outbox
    close: Callable[[int], Awaitable[None]]
    restart: Callable[[], None]  # a resync and a fresh start
    # Events that came while this socket's start is being read; None once it is live.
    pending: list[Event] | None = field(default_factory=list)

    def hand(self, event: Event) -> None:
        if self.pending is None:
            self.outbox.put(event.frame)
        elif len(self.pending) < MAX_PENDING:
            self.pending.append(event)
        else:
            self.pending = None
            self.outbox.mark_stale()


class ConversationWatch:
    """`cursor`: up to where the journal was read; unknown until the first start."""

    def __init__(self, pk: int, reader: Read | None = None) -> None:
        self.pk = pk
        self.cursor: int | None = None
        self.rests_until = 0.0  # the next read of this conversation is not before
        self.members: set[Member] = set()
        self.starts = Starts(pk, reader)
        self._base = 0  # the first cursor

    async def begin(self, member: Member, after: int | None) -> None:
        """Join first, then read: what is committed in between arrives as an event."""
        member.pending = []
        self.members.add(member)
        begun = await self._start(member, after)
        events, member.pending = member.pending or [], None
        member.outbox.put_start(begun.frames)
        for event in events:
            if event.seq > begun.seq:
                member.outbox.put(event.frame)

    async def _start(self, member: Member, after: int | None) -> Start:
        """One that ends no earlier than the events begin that this member is handed."""
        for _ in range(MAX_READS):
            joined_at = self.cursor
            begun = await self.starts.get(after, at_least=joined_at or 0)
            if self.cursor is None:
                self.cursor = self._base = begun.seq
            if begun.seq >= (self._base if joined_at is None else joined_at):
                return begun
            member.pending = []  # it was read before this member joined: read again
        raise Busy  # the journal went back; the next poll sees it

    def apply(self, changes: Changes) -> None:
        self.cursor = changes.seq
        for event in batched(changes.events):
            for member in self.members:
                member.hand(event)

    def begin_afresh(self) -> list[Member]:
        """The journal does not go as far as was read (a backup was put back), or events will not
        do; who must start."""
        self.cursor = None
        self.starts.forget()
        return list(self.members)

    def send(self, payload: dict[str, Any]) -> None:
        """A frame outside the journal: typing, heartbeat."""
        frame = encode(payload)
        for member in self.members:
            if member.pending is None:
                member.outbox.put(frame)


@dataclass(eq=False, slots=True)
class WallWatch:
    """One wall for all viewers who see the same conversations."""

    visible: ConversationQuerySet
    members: set[Member] = field(default_factory=set)
    _seqs: dict[int, int] = field(default_factory=dict)
    _cards: dict[int, wall.Card] = field(default_factory=dict)
    _total: int = 0  # of which the cards are a choice
    _loaded: bool = False
    _snapshot: Frame | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, member: Member) -> None:
        member.pending = []  # gets no update before its snapshot
        self.members.add(member)
        async with self._lock:
            if not self._loaded:
                await self._read()
        member.pending = None
        member.outbox.put_start((self._current(),))

    async def refresh(self) -> None:
        """Send the cards that have changed, however many events changed them."""
        async with self._lock:
            update = await self._read()
        if update is None:
            return
        self.send(encode(update))

    def send(self, frame: Frame) -> None:
        for member in self.members:
            if member.pending is None:
                member.outbox.put(frame)

    async def _read(self) -> dict[str, Any] | None:
        heads = await read(wall.heads, self.visible.all(), timezone.now())
        seqs = heads.seqs
        changed = [pk for pk, seq in seqs.items() if self._seqs.get(pk) != seq]
        gone = [pk for pk in self._cards if pk not in seqs]
        cards = await read(wall.cards_for, changed) if changed else {}
        left = [self._cards.pop(pk)["id"] for pk in gone]
        self._cards.update(cards)
        self._seqs = {pk: seq for pk, seq in seqs.items() if pk in self._cards}
        self._loaded = True
        if not cards and not left and heads.total == self._total:
            return None
        self._total = heads.total
        self._snapshot = None
        update = {"type": "cards", "cards": list(cards.values()), "gone": left}
        return update | {"total": self._total}

    def _current(self) -> Frame:
        if self._snapshot is None:
            payload = {"type": "snapshot", "conversations": list(self._cards.values())}
            self._snapshot = encode(payload | {"total": self._total})
        return self._snapshot
