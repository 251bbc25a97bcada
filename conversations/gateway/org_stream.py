"""The org-wide messaging stream: its session, its inbox, its backfill, its lease's progress."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone

from conversations import outages
from conversations.conf import genesys_config
from conversations.gateway import leases
from conversations.gateway.backfill import Backfill
from conversations.gateway.inbox import Counts, Inbox, InboxLost
from conversations.gateway.leases import Gap, Progress
from conversations.genesys.events import ContextChanged, Event, MessageReceived, TypingChanged
from conversations.genesys.oauth import Token
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.genesys.rest import GenesysRest
from conversations.genesys.session import Session, StateChange
from conversations.live import doorbell
from conversations.models import Conversation, StreamState
from conversations.net.backoff import delays
from conversations.net.http import HttpClient
from conversations.services.tokens import credentials_of, is_refused
from conversations.tokens import DatabaseTokens

logger = logging.getLogger(__name__)

KIND, KEY = StreamState.Kind.MESSAGING.value, "org"
_KNOWN_CONVERSATIONS = 5000
_IN_ONE_QUESTION = 1000
_AGAIN_S, _LONGEST_AGAIN_S = 2.0, 30.0
_LOOK_S = 1.0


class OrgStreams:
    """The kind of stream of which there is one: always wanted."""

    name, limit, in_all = KIND, 1, None
    lease_s, rest_s = leases.LEASE_S, 1.0

    def wanted(self) -> Sequence[str]:
        return (KEY,)

    def stream(self, key: str) -> OrgStream:
        return OrgStream()

    async def close(self) -> None:
        """Each stream has closed what was its own."""


class OrgStream:
    """Owns everything of one stream in this process while the lease is held."""

    def __init__(self) -> None:
        config = genesys_config()
        self._inbox = Inbox(stream=KIND)
        self._http = HttpClient()
        self._tokens = DatabaseTokens(config, self._http, self._inbox.crossing.call)
        self._rest = GenesysRest(self._http, config, self._tokens)
        self._url = config.messaging_socket_url
        self._session = Session(
            name=KIND,
            protocol=MessagingProtocol(),
            url=self._url_with,
            headers=lambda _token: {},
            tokens=self._tokens,
            on_event=self._on_event,
            on_state=self._on_state,
            on_open=self._on_open,
        )
        self._backfill: Backfill | None = None
        self._backfilling: asyncio.Task[None] | None = None
        self._state: StateChange | None = None
        self._told = Counts()
        self._connected_at: datetime | None = None
        self._heard_until: datetime | None = None  # None while a connection is open
        self._backfilled_at: datetime | None = None
        self._keys: OrderedDict[str, int] = OrderedDict()
        # What guests' pages have set, mostly before the first message makes it a conversation.
        self._contexts: OrderedDict[str, ContextChanged] = OrderedDict()
        self._credentials = credentials_of(config)
        self._seen_refused = False

    async def run(self) -> None:
        """Until `stop`; what was received is committed before it returns."""
        forgiving = asyncio.create_task(self._retry_when_forgiven(), name="forgiving")
        try:
            await self._session.run()
        finally:
            beside = [task for task in (forgiving, self._backfilling) if task]
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._inbox.crossing.close()
            await self._http.aclose()

    def stop(self) -> None:
        self._session.stop()

    async def _retry_when_forgiven(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self._retry_if_forgiven()
            except (DatabaseError, InterfaceError) as error:
                if outages.trouble_of(error) is None:
                    logger.warning("stream %s: %s", KIND, type(error).__name__)

    async def _retry_if_forgiven(self) -> None:
        """Try a refused stream at once where a person had the refusal forgotten.

        Only a refusal that was seen and is gone counts: one for any other reason waits its time.
        """
        if self._state is None or self._state.state != "refused":
            self._seen_refused = False
            return
        refused = await self._inbox.crossing.call(is_refused, self._credentials)
        if self._seen_refused and not refused:
            logger.info("stream %s: the refusal was forgotten, trying at once", KIND)
            self._session.retry_now()
        self._seen_refused = refused

    def progress(self) -> Progress:
        """What has happened since the last call."""
        now, told = self._inbox.counts, self._told
        self._told = Counts(now.frames, now.malformed, now.ignored, now.repeated, now.echoes)
        return Progress(
            state=self._state.state if self._state else "connecting",
            attempts=self._state.attempts if self._state else 0,
            reason=self._state.reason if self._state else "",
            frames=now.frames - told.frames,
            malformed=now.malformed - told.malformed,
            ignored=now.ignored - told.ignored,
            last_frame_at=self._inbox.stored_until,
            backfilled_at=self._backfilled_at,
            connected_at=self._connected_at,
        )

    def _url_with(self, token: Token) -> str:
        # The token stands in the query (protocol §1); masking keeps it out of every log.
        return f"{self._url}?{urlencode({'access_token': token.access_token})}"

    def _on_state(self, change: StateChange) -> None:
        self._state = change
        if change.state == "live":
            self._heard_until = None
        elif self._heard_until is None:
            self._heard_until = timezone.now()

    async def _on_open(self) -> None:
        """Every opened connection closes the gap before it, beside the live frames."""
        if self._backfilling:
            self._backfilling.cancel()
        self._connected_at = timezone.now()
        gap = await self._inbox.crossing.call(self._open_gap)
        self._backfill = Backfill(
            rest=self._rest,
            put=self._inbox.put,
            since=gap.since,
            known_since=lambda moment: self._inbox.crossing.call(_known_since, moment),
            known=lambda names: self._inbox.crossing.call(_known, names),
        )
        self._backfilling = asyncio.create_task(
            self._close_gap(self._backfill, gap), name="backfill"
        )

    def _open_gap(self) -> Gap:
        first = timezone.now() - timedelta(seconds=settings.DELIVERY_TTL_S)
        return leases.open_gap(KIND, KEY, stored_until=self._inbox.stored_until, first=first)

    def _note_closed(self, gap: Gap, heard_until: datetime | None) -> None:
        leases.close_gap(KIND, KEY, gap, heard_until=heard_until)

    async def _close_gap(self, backfill: Backfill, gap: Gap) -> None:
        for wait_s in delays(base_s=_AGAIN_S, cap_s=_LONGEST_AGAIN_S):
            if await self._is_filled(backfill, gap):
                break
            await asyncio.sleep(wait_s)
        self._backfilled_at = timezone.now()
        logger.info("gap closed: %s messages read", backfill.messages)

    async def _is_filled(self, backfill: Backfill, gap: Gap) -> bool:
        """Read, and stored: only then does nobody have to read it again."""
        try:
            if not await backfill.run():
                return False
            await self._inbox.stored()
            await self._inbox.crossing.call(self._note_closed, gap, self._heard_until)
        except (InboxLost, DatabaseError, InterfaceError) as error:
            logger.warning("the gap stays open: %s", type(error).__name__)
            return False
        except Exception:  # one round that failed is said, and is not the last
            logger.exception("the gap stays open")
            return False
        return True

    async def _on_event(self, event: Event) -> None:
        if isinstance(event, TypingChanged):
            self._inbox.counts.frames += 1
            await self._pass_on_typing(event)
            return
        await self._take_in(event)
        if isinstance(event, ContextChanged):
            self._contexts[event.conversation_id] = event
            if len(self._contexts) > _KNOWN_CONVERSATIONS:
                self._contexts.popitem(last=False)
        elif isinstance(event, MessageReceived) and event.conversation_id in self._contexts:
            await self._take_in(self._contexts.pop(event.conversation_id))

    async def _take_in(self, event: Event) -> None:
        if self._backfill is None:
            await self._inbox.put(event)
            return
        try:
            await self._backfill.offer(event)
        except InboxLost:
            # It may have been of the history: the next connection reads all of the gap again.
            if self._backfilling:
                self._backfilling.cancel()
            raise

    async def _pass_on_typing(self, event: TypingChanged) -> None:
        """Live only, at most once, never stored."""
        key = self._keys.get(event.conversation_id)
        if key is None:
            key = await self._inbox.crossing.call(_key_of, event.conversation_id)
            if key is None:
                return
            self._keys[event.conversation_id] = key
            if len(self._keys) > _KNOWN_CONVERSATIONS:
                self._keys.popitem(last=False)
        doorbell.typing(key, event.sender.type, event.state, timezone.now())


def _known_since(moment: datetime) -> list[str]:
    """The newest first. In any open one something may have been said, however quiet it was."""
    rows = Conversation.objects.filter(channel=Conversation.Channel.MESSAGING)
    rows = rows.filter(Q(state=Conversation.State.OPEN) | Q(last_event_at__gte=moment))
    return list(rows.order_by("-last_event_at").values_list("external_id", flat=True))


def _known(external_ids: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(external_ids), _IN_ONE_QUESTION):
        rows = Conversation.objects.filter(
            external_id__in=external_ids[start : start + _IN_ONE_QUESTION]
        )
        found.update(rows.values_list("external_id", flat=True))
    return found


def _key_of(external_id: str) -> int | None:
    return Conversation.objects.filter(external_id=external_id).values_list("pk", flat=True).first()
