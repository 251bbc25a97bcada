"""The live pages' tailer for calls: lines that grow, the stream's state, and the mark that says
that somebody watches. Events, hearts and rights are the tailer's own.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from django.utils import timezone

from assist import snapshots
from assist.lines import TYPE
from assist.models.watch import want
from conversations.live.database import read
from conversations.live.reading import JournalReading
from conversations.live.tailer import Job, Tailer
from conversations.live.watches import ConversationWatch, Member
from conversations.models import Conversation

STREAMS_S = 2.0
_SHOWN = ("type", "text", "media_at", "confidence")
WANTED_EVERY = 10  # looks at the streams

_tailers: WeakKeyDictionary[asyncio.AbstractEventLoop, AssistTailer] = WeakKeyDictionary()


def assist_tailer() -> AssistTailer:
    """The one of this process, which is the one of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _tailers:
        _tailers[loop] = AssistTailer()
    return _tailers[loop]


class AssistTailer(Tailer):
    def __init__(self) -> None:
        super().__init__()
        self._names: dict[int, str] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._looks = 0

    async def watch(self, member: Member, *, after: int | None = None) -> None:
        pk = member.claim.conversation
        assert pk is not None  # noqa: S101 - a call is a conversation
        self._names[pk] = await read(_watched, pk)
        await super().watch(member, after=after)

    async def leave(self, member: Member) -> None:
        await super().leave(member)
        self._names = {pk: name for pk, name in self._names.items() if pk in self._conversations}

    def _new_watch(self, pk: int) -> ConversationWatch:
        return ConversationWatch(pk, snapshots.start)

    def _new_reading(self) -> JournalReading:
        return JournalReading(self._conversations, snapshots.events_past)

    def _jobs(self) -> dict[str, Job]:
        jobs = super()._jobs()
        jobs.pop("walls")
        jobs["streams"] = self._repeated(self._read_streams, None, pause=STREAMS_S)
        return jobs

    def _passed_on(self, message: dict[str, Any]) -> None:
        if message["type"] != TYPE:
            return
        for pk, name in self._names.items():
            if name == message["interaction"] and (watch := self._conversations.get(pk)):
                watch.send({key: message[key] for key in _SHOWN})

    async def _read_streams(self) -> None:
        """Say how each watched call's stream is when that has changed; renew the marks."""
        names = dict(self._names)
        self._looks += 1
        if self._looks % WANTED_EVERY == 0:
            await read(_want_all, list(names.values()))
        states = await read(snapshots.streams_of, list(names.values()))
        for pk, name in names.items():
            watch = self._conversations.get(pk)
            if watch is not None and states[name] != self._states.get(name):
                watch.send({"type": "stream", "stream": states[name]})
        self._states = states


def _watched(pk: int) -> str:
    """Mark the call as wanted from the moment somebody opens its page."""
    conversation = Conversation.objects.get(pk=pk)
    if conversation.state == Conversation.State.OPEN:
        want(conversation.external_id, now=timezone.now())
    return conversation.external_id


def _want_all(names: list[str]) -> None:
    for name in names:
        want(name, now=timezone.now())
