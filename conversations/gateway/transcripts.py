"""Transcript streams (protocol §3): one for each conversation that somebody wants to follow.

What they bring is merged with what the org socket brings; they start no translation. All streams
of a gateway share one HTTP client, one source of tokens and one thread to the database.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from conversations.conf import genesys_config
from conversations.gateway.leases import Progress
from conversations.gateway.settling import Settling
from conversations.genesys.events import (
    ConversationClosed,
    ConversationUpdated,
    Event,
    Ignored,
    Malformed,
    MessageCopied,
)
from conversations.genesys.oauth import Token, bearer
from conversations.genesys.protocols.transcript import TranscriptProtocol
from conversations.genesys.session import Patience, Session, StateChange
from conversations.live import marks
from conversations.models import Conversation, StreamState
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens

logger = logging.getLogger(__name__)

KIND = StreamState.Kind.TRANSCRIPT.value
PATIENCE = Patience(tries=5, waits_refused=False)


class TranscriptStreams:
    """Those of the conversations that are open on a page, or of all open ones."""

    name, in_all = KIND, None
    # As long as a dead gateway's transcripts stand still; the org socket goes on meanwhile.
    lease_s = 12.0
    rest_s = 300.0

    def __init__(self) -> None:
        self._line: _Line | None = None

    @property
    def limit(self) -> int:
        return int(settings.TRANSCRIPT_SOCKETS)

    def wanted(self) -> Sequence[str]:
        open_ones = Conversation.objects.filter(
            state=Conversation.State.OPEN, channel=Conversation.Channel.MESSAGING
        )
        if settings.TRANSCRIPT_STREAMS != "all":
            open_ones = open_ones.filter(pk__in=marks.watched(timezone.now()))
        newest = open_ones.order_by("-last_event_at").values_list("external_id", flat=True)
        return list(newest[:WANTED_AT_MOST])

    def stream(self, key: str) -> TranscriptStream:
        if self._line is None:
            self._line = _Line()
        return TranscriptStream(key, self._line)

    async def close(self) -> None:
        if self._line is not None:
            await self._line.close()


# What no gateway has room for is listed as waiting, up to this many.
WANTED_AT_MOST = 2_000


class _Line:
    """What all transcript streams of this process share."""

    def __init__(self) -> None:
        self.config = genesys_config()
        self.settling = Settling()
        self.http = HttpClient()
        self.tokens = DatabaseTokens(self.config, self.http, self.settling.crossing.call)

    async def close(self) -> None:
        await self.settling.close()
        await self.http.aclose()


@dataclass(slots=True)
class _Counts:
    frames: int = 0
    malformed: int = 0
    ignored: int = 0


class TranscriptStream:
    def __init__(self, conversation_id: str, line: _Line) -> None:
        self._line = line
        self._conversation_id = conversation_id
        self._counts, self._told = _Counts(), _Counts()
        self._state: StateChange | None = None
        self._last_frame_at: datetime | None = None
        self._connected_at: datetime | None = None

    @cached_property
    def _session(self) -> Session:
        return Session(
            name=f"{KIND} {self._conversation_id}",
            protocol=TranscriptProtocol(self._conversation_id),
            url=lambda _token: transcript_url(
                self._line.config.transcript_socket_url, self._conversation_id
            ),
            headers=_headers,
            tokens=self._line.tokens,
            on_event=self._on_event,
            on_state=self._on_state,
            on_open=self._on_open,
            patience=PATIENCE,
            capped_jitter=True,
        )

    async def run(self) -> None:
        end = await self._session.run()
        if end is not None:
            logger.info("stream %s %s ended: %s", KIND, self._conversation_id, end.reason)

    def stop(self) -> None:
        self._session.stop()

    def progress(self) -> Progress:
        now, told = self._counts, self._told
        self._told = _Counts(now.frames, now.malformed, now.ignored)
        return Progress(
            state=self._state.state if self._state else "connecting",
            attempts=self._state.attempts if self._state else 0,
            reason=self._state.reason if self._state else "",
            frames=now.frames - told.frames,
            malformed=now.malformed - told.malformed,
            ignored=now.ignored - told.ignored,
            last_frame_at=self._last_frame_at,
            backfilled_at=None,
            connected_at=self._connected_at,
        )

    def _on_state(self, change: StateChange) -> None:
        self._state = change

    async def _on_open(self) -> None:
        self._connected_at = timezone.now()

    async def _on_event(self, event: Event) -> None:
        self._counts.frames += 1
        self._last_frame_at = timezone.now()
        match event:
            case MessageCopied(notice=""):
                await self._line.settling.put(event)
            case ConversationClosed():
                await self._line.settling.put(event)
            case Malformed():  # counted and ignored (protocol §3): the org socket has it too
                self._counts.malformed += 1
            case Ignored() | MessageCopied() | ConversationUpdated():
                # What is passing, or says no more than that something else has changed.
                self._counts.ignored += 1
            case _:
                self._counts.ignored += 1


def transcript_url(template: str, conversation_id: str) -> str:
    """The id comes from outside: it stays one segment of the path."""
    return template.replace("{conversation_id}", quote(conversation_id, safe=""))


def _headers(token: Token) -> Mapping[str, str]:
    return bearer(token)
