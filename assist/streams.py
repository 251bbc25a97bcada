"""Voice transcription as a kind of stream (protocol §4): which calls are wanted, and each of them.

All streams of a gateway share one crossing to the database, so that what gathers of ten calls is
one commit, and one desk that asks the knowledge service.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from assist import conf
from assist.calls import Call
from assist.intake import Intake
from assist.knowledge.desk import Question, Reply
from assist.lines import show_line
from assist.models import AssistWatch
from assist.services.knowledge import Answered
from assist.services.quarantine import Quarantined
from assist.services.recording import Batch, Heard, Stored, as_one
from conversations.conf import genesys_config
from conversations.gateway.leases import Progress
from conversations.genesys.events import (
    CodecLeftOut,
    Event,
    Ignored,
    Malformed,
    Refused,
    TranscriptionReceived,
)
from conversations.genesys.oauth import Token
from conversations.genesys.protocols.transcription import TranscriptionProtocol
from conversations.genesys.session import Session, StateChange
from conversations.keys import content_key
from conversations.models import Conversation, Message, StreamState

logger = logging.getLogger(__name__)

KIND = StreamState.Kind.TRANSCRIPTION.value
LEASE_S = 8.0
REST_S = 30.0  # a call that has ended is not asked for again at once
IN_FLIGHT = 500  # chunks of one stream that wait for their commit; the reader waits then
COUNTS_EVERY_S = 1.0
STORE_AGAIN_S = 1.0
TOGETHER = 50  # batches of one stream that are stored as one
STOP_S = 12.0
QUARANTINED_AT_MOST = 100  # frames of one stream's life that are kept


class TranscriptionStreams:
    name = KIND
    lease_s, rest_s = LEASE_S, REST_S

    def __init__(self) -> None:
        self.limit = self.in_all = settings.MAX_CONCURRENT_STREAMS
        self._intake: Intake | None = None
        self._live: set[str] = set()

    def wanted(self) -> Sequence[str]:
        """The settings' own first, then those that somebody watches; an ended call no more."""
        watched = AssistWatch.objects.filter(wanted_until__gt=timezone.now()).order_by("pk")
        names = [*conf.listed_interactions(), *watched.values_list("interaction_id", flat=True)]
        ended = set(
            Conversation.objects.filter(
                external_id__in=names, state=Conversation.State.CLOSED
            ).values_list("external_id", flat=True)
        )
        return [name for name in dict.fromkeys(names) if name not in ended]

    def stream(self, key: str) -> TranscriptionStream:
        if self._intake is None:
            self._intake = Intake()
        return TranscriptionStream(key, intake=self._intake, live_streams=self._live)

    async def close(self) -> None:
        if self._intake is not None:
            await self._intake.close()


class TranscriptionStream:
    """One call, while this gateway holds its lease."""

    def __init__(self, interaction_id: str, *, intake: Intake, live_streams: set[str]) -> None:
        config = genesys_config()
        self._interaction_id = interaction_id
        self._intake = intake
        self._live_streams = live_streams
        self._call = Call(
            interaction_id,
            redactor=conf.redactor(),
            threshold_ms=settings.LATENCY_THRESHOLD_MS,
            content_key=content_key,
        )
        self._session = Session(
            name=f"{KIND} {interaction_id}",
            protocol=TranscriptionProtocol(conf.subscription(interaction_id)),
            url=lambda _token: config.transcription_socket_url,
            headers=_bearer,
            tokens=intake.tokens,
            on_event=self._on_event,
            on_state=self._on_state,
            on_open=self._on_open,
        )
        self._in_flight = 0
        self._stored_some = asyncio.Event()
        self._waiting: deque[Batch] = deque()  # not stored yet, in the order in which they came
        self._sent = 0  # so many of the first ones are on their way, as one
        self._one_by_one = 0  # so many of the first ones were refused when they went as one
        self._changed = asyncio.Event()
        self._state: StateChange | None = None
        self._connections = 0
        self._frames = self._malformed = self._ignored = self._kept = 0
        self._last_frame_at: datetime | None = None
        self._connected_at: datetime | None = None

    async def run(self) -> None:
        """Until `stop` or the call's end; what was heard is durable before it returns."""
        clock = asyncio.create_task(self._keep_time(), name=f"transcription-clock:{KIND}")
        try:
            await self._session.run()
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)
            self._live_streams.discard(self._interaction_id)
            self._hand_on(self._call.flush(_now()))
            await self._all_stored()
        if self._state is not None and self._state.reason == "closed with 1000":
            await self._intake.end_call(self._interaction_id)

    def stop(self) -> None:
        self._session.stop()

    def progress(self) -> Progress:
        frames, malformed, ignored = self._frames, self._malformed, self._ignored
        self._frames = self._malformed = self._ignored = 0
        return Progress(
            state=self._state.state if self._state else "connecting",
            attempts=self._state.attempts if self._state else 0,
            reason=self._state.reason if self._state else "",
            frames=frames,
            malformed=malformed,
            ignored=ignored,
            last_frame_at=self._last_frame_at,
            backfilled_at=None,
            connected_at=self._connected_at,
        )

    def _on_state(self, change: StateChange) -> None:
        self._state = change
        if change.state == "live":
            self._live_streams.add(self._interaction_id)
        else:
            self._live_streams.discard(self._interaction_id)

    async def _on_open(self) -> None:
        self._connected_at = timezone.now()
        self._connections += 1
        if self._connections > 1:
            self._call.tally.counts["reconnects"] += 1

    async def _on_event(self, event: Event) -> None:
        # Frames that have come already are read without a pause: give the others their turn, the
        # leases' renewal above all.
        await asyncio.sleep(0)
        self._frames += 1
        self._last_frame_at = timezone.now()
        match event:
            case TranscriptionReceived(is_final=True):
                while self._in_flight >= IN_FLIGHT:
                    self._stored_some.clear()
                    await self._stored_some.wait()
                batches = self._call.final(
                    event,
                    received_at=self._last_frame_at,
                    now=_now(),
                    active=max(1, len(self._live_streams)),
                )
                self._hand_on(batches)
                self._changed.set()
            case TranscriptionReceived():
                line = self._call.interim(event, received_at=self._last_frame_at, now=_now())
                if line is not None:
                    show_line(self._interaction_id, line)
            case CodecLeftOut():
                self._call.tally.counts["dropped_codec"] += 1
            case Malformed():
                self._malformed += 1
                self._call.tally.counts["malformed"] += 1
                self._keep(event)
            case Refused():
                logger.warning("stream %s %s: the platform said error", KIND, self._interaction_id)
            case Ignored():
                self._ignored += 1

    def _keep(self, frame: Malformed) -> None:
        """The first ones, redacted: a flood of them fills no table."""
        if self._kept >= QUARANTINED_AT_MOST:
            return
        self._kept += 1
        self._intake.keep(Quarantined(frame, KIND))

    def _hand_on(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self._in_flight += len(batch.chunks)
            self._waiting.append(batch)
        self._store_next()

    def _store_next(self) -> None:
        """What came first is stored first, also after an outage: nothing overtakes it."""
        if self._sent or not self._waiting:
            return
        self._sent = 1 if self._one_by_one else min(TOGETHER, len(self._waiting))
        self._store()

    def _store(self) -> None:
        batch = as_one(list(islice(self._waiting, self._sent)))
        self._intake.store(batch).add_done_callback(self._settled)

    def _settled(self, done: asyncio.Future[Stored]) -> None:
        """The platform repeats nothing: while the database is away a batch waits for it."""
        error = None if done.cancelled() else done.exception()
        if isinstance(error, OperationalError | InterfaceError):
            done.get_loop().call_later(STORE_AGAIN_S, self._store)
            return
        if error is not None and self._sent > 1:  # one bad batch must not take the others with it
            self._one_by_one, self._sent = self._sent, 0
            self._store_next()
            return
        chunks = sum(len(self._waiting.popleft().chunks) for _ in range(self._sent))
        self._in_flight -= chunks
        self._sent, self._one_by_one = 0, max(0, self._one_by_one - 1)
        self._stored_some.set()
        self._store_next()
        if error is not None or done.cancelled():
            logger.error(
                "stream %s %s: %s chunks could not be stored",
                KIND,
                self._interaction_id,
                chunks,
            )
            return
        stored = done.result()
        for heard, message in stored.new:
            self._look_up(stored.conversation_id, heard, message)

    async def _all_stored(self) -> None:
        """Bounded: what the database does not take in that time is lost, and it is said."""
        try:
            async with asyncio.timeout(STOP_S):
                while self._waiting:
                    self._stored_some.clear()
                    await self._stored_some.wait()
        except TimeoutError:
            logger.error(
                "stream %s %s: %s chunks lost, the database did not take them",
                KIND,
                self._interaction_id,
                self._in_flight,
            )

    def _look_up(self, conversation_id: int, heard: Heard, message: Message) -> None:
        desk = self._intake.desk
        text = heard.redacted.text.strip()
        if desk is None or heard.redacted.is_withheld or len(text) < 3:
            return

        def reply(found: Reply) -> None:
            self._intake.answer(Answered(conversation_id, message.pk, found))

        desk.ask(Question(text, self._interaction_id, heard.confidence, _now()), reply)

    async def _keep_time(self) -> None:
        """Hands on what has waited for long enough, and what was only counted."""
        counted_at = _now()
        while True:
            deadline = self._call.deadline
            wait_s = COUNTS_EVERY_S if deadline is None else max(0.0, deadline - _now())
            try:
                async with asyncio.timeout(min(wait_s, COUNTS_EVERY_S)):
                    await self._changed.wait()
                self._changed.clear()
            except TimeoutError:
                pass
            self._hand_on(self._call.due(_now()))
            if _now() - counted_at >= COUNTS_EVERY_S:
                counted_at = _now()
                counted = self._call.counted()
                self._hand_on([counted] if counted else [])


def _bearer(token: Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.access_token}"}


def _now() -> float:
    return asyncio.get_running_loop().time()
