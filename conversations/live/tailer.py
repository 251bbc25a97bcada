"""One for each web process: hears the doorbell, reads the journal, hands events to its sockets.

The doorbell only makes it faster: every second it looks for itself. An event is read once and
encoded once, however many sockets watch. Heartbeats stop when reading fails, so that a page
that gets no events says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from conversations import outages
from conversations.live import doorbell, rights
from conversations.live.database import read
from conversations.live.frames import HEARTBEAT, RESYNC, TOO_SLOW
from conversations.live.listening import Listener
from conversations.live.marks import LOOK_S, Marks
from conversations.live.reading import JournalReading
from conversations.live.watches import ConversationWatch, Member, WallWatch

if TYPE_CHECKING:
    from conversations.models.conversation import ConversationQuerySet

logger = logging.getLogger(__name__)

Job = Callable[[], Coroutine[Any, Any, None]]

WALL_POLL_S = 0.5
WALL_S = 0.5  # a wall is updated twice a second at most
HEARTBEAT_S = 4.0
# No heartbeat when nothing could be read for so long: with the 8 s after which a page without one
# says that it is not live, none is wrong for more than 10 s.
READ_WITHIN_S = 2.0
RIGHTS_S = 3.0
MAX_SOCKETS = 2000

_tailers: WeakKeyDictionary[asyncio.AbstractEventLoop, Tailer] = WeakKeyDictionary()


def tailer() -> Tailer:
    """The tailer of this process, which is the one of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _tailers:
        _tailers[loop] = Tailer()
    return _tailers[loop]


class Tailer:
    """Runs while somebody watches."""

    def __init__(self) -> None:
        self._conversations: dict[int, ConversationWatch] = {}
        self._walls: dict[str, WallWatch] = {}
        self._reading = self._new_reading()
        self._wall_rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._walls_read_at = 0.0
        self.sockets = 0

    @property
    def is_full(self) -> bool:
        return self.sockets >= MAX_SOCKETS

    async def watch(self, member: Member, *, after: int | None = None) -> None:
        """Snapshot or missed events now, every further event until `leave`."""
        self._start()
        pk = member.claim.conversation
        assert pk is not None  # noqa: S101 - a wall is watched by watch_wall
        watch = self._conversations.setdefault(pk, self._new_watch(pk))
        await watch.begin(member, after)

    def _new_watch(self, pk: int) -> ConversationWatch:
        return ConversationWatch(pk)

    def _new_reading(self) -> JournalReading:
        return JournalReading(self._conversations)

    async def watch_wall(self, member: Member, visible: ConversationQuerySet) -> None:
        self._start()
        watch = self._walls.setdefault(member.claim.scope, WallWatch(visible))
        await watch.begin(member)

    async def catch_up(self, member: Member) -> None:
        """A page that was behind has read everything: it starts afresh."""
        member.outbox.revive()
        member.outbox.put(RESYNC)
        if member.claim.conversation is not None:
            await self.watch(member)
        elif wall := self._walls.get(member.claim.scope):
            await wall.begin(member)

    async def leave(self, member: Member) -> None:
        pk, scope = member.claim.conversation, member.claim.scope
        if pk is not None and (watch := self._conversations.get(pk)):
            watch.members.discard(member)
            if not watch.members:
                del self._conversations[pk]
                await watch.starts.stop()
        if pk is None and (wall := self._walls.get(scope)):
            wall.members.discard(member)
            if not wall.members:
                del self._walls[scope]
        if not self._conversations and not self._walls:
            await self.stop()

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        if self._tasks:
            return
        doorbell.bind(asyncio.get_running_loop())
        self._tasks = [
            asyncio.create_task(job(), name=f"live-{name}") for name, job in self._jobs().items()
        ]

    def _jobs(self) -> dict[str, Job]:
        return {
            "listen": Listener(self._heard).run,
            "read": self._reading.run,
            "walls": self._repeated(self._read_walls, self._wall_rung, pause=WALL_S),
            "heartbeat": self._repeated(self._beat, None, pause=HEARTBEAT_S),
            "rights": self._repeated(self._ask_rights, None, pause=RIGHTS_S),
            "marks": self._repeated(Marks(lambda: self._conversations).mark, None, pause=LOOK_S),
        }

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "typing":
            self._typing(message)
            return
        if message["type"] != "bell":
            self._passed_on(message)
            return
        for pk, seq in message["pairs"]:
            self._reading.ring(pk, seq)
        if self._walls:
            self._wall_rung.set()

    def _typing(self, message: dict[str, Any]) -> None:
        watch = self._conversations.get(message["conversation"])
        if watch is not None:
            watch.send({key: message[key] for key in ("type", "origin", "state", "at")})

    def _passed_on(self, message: dict[str, Any]) -> None:
        """What is shown live and kept nowhere, of a kind that only some pages know."""

    def _repeated(self, job: Job, rung: asyncio.Event | None, *, pause: float) -> Job:
        """`job` at each ring and at least every WALL_POLL_S, or just every `pause` seconds."""

        async def run() -> None:
            while True:
                await asyncio.sleep(pause)
                if rung is not None:
                    await _wait(rung, WALL_POLL_S)
                try:
                    await job()
                except Exception as error:
                    if outages.tell(error) is None:
                        logger.exception("Live pages: a step failed, it is tried again.")
                    await asyncio.sleep(1)

        return run

    async def _read_walls(self) -> None:
        began = time.monotonic()
        for wall in list(self._walls.values()):
            await wall.refresh()
        self._walls_read_at = began

    async def _beat(self) -> None:
        """Still here, and reading: else the pages shall say that they are not live."""
        for member in self._members():
            member.outbox.check()
            if member.outbox.is_hopeless:
                await self._turn_out(member, TOO_SLOW)
            elif member.outbox.is_stale and member.outbox.has_caught_up():
                member.restart()  # it may have nothing to acknowledge
        oldest = time.monotonic() - READ_WITHIN_S
        if self._reading.read_at >= oldest:
            for watch in self._conversations.values():
                watch.send({"type": "heartbeat", "seq": watch.cursor})
        if self._walls_read_at >= oldest:
            for wall in self._walls.values():
                wall.send(HEARTBEAT)

    async def _ask_rights(self) -> None:
        members = self._members()
        found = await read(rights.verdicts, {member.claim for member in members})
        for member in members:
            if code := found.get(member.claim):
                await self._turn_out(member, code)

    async def _turn_out(self, member: Member, code: int) -> None:
        """Not one event more; its consumer leaves when the close is through."""
        member.outbox.shut()
        await member.close(code)

    def _members(self) -> list[Member]:
        members = [member for watch in self._conversations.values() for member in watch.members]
        return members + [member for wall in self._walls.values() for member in wall.members]


async def _wait(rung: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await rung.wait()
    except TimeoutError:
        return
    rung.clear()
